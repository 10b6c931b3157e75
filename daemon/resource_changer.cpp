#include "daemon/resource_changer.hpp"

#include "daemon/change_pace.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rekeyd::daemon {

namespace asio = boost::asio;
using providers::ChangeProgress;
using storage::ResourceChange;

namespace {

constexpr auto settling_patience = std::chrono::minutes(2);
constexpr auto endless_after = std::chrono::hours(2);

StepBlocked change_never_ends(Registration const& resource) {
  return {"change_never_ends",
          trouble_with(resource, ErrorClass::permanent, "its change of key has been under way for two hours",
                       "look at the resource's activity log, or ask its provider's support; then `rekeyctl "
                       "retry`: rekeyd goes on following the change")};
}

StepBlocked refuses_version(MovingResource const& move, bool prepares) {
  auto const last =
      std::ranges::find(move.asked.rbegin(), move.asked.rend(), prepares, &ResourceChange::prepares);
  return {"resource_refuses_version",
          trouble_with(
              move.resource, ErrorClass::permanent,
              fmt::format("the resource did not take the new version in {} {}; the last: {}",
                          ResourceChanger::changes_max, prepares ? "preparations" : "changes", last->message),
              "both key versions stay enabled; mend what the provider names, then `rekeyctl retry`")};
}

/// Nothing: it is where it belongs.
std::optional<Error> what_failed(Registration const& now, VersionId const& wanted) {
  if (is_on(now, wanted)) return std::nullopt;
  std::string what =
      now.condition ? now.condition->sentence : "the change is over, and the resource is on its old version";
  return trouble_with(now, ErrorClass::conflict, std::move(what), "");
}

}  // namespace

asio::awaitable<Result<void>> ResourceChanger::keep(MovingResource& move, ResourceChange const& asked) {
  move.asked.resize(static_cast<std::size_t>(asked.attempt) - 1);
  move.asked.push_back(asked);
  storage::Change change;
  change.resource_changes.push_back(asked);
  Result<void> kept = co_await group_.commit(std::move(change));
  co_return kept;
}

asio::awaitable<std::optional<StepOutcome>> ResourceChanger::ask(MovingResource& move) {
  std::optional<StepOutcome> outcome = co_await request(move, false);
  co_return outcome;
}

asio::awaitable<std::optional<StepOutcome>> ResourceChanger::prepare(MovingResource& move) {
  auto const deadline = world_.clock.mono_now() + resource_call_patience;
  Result<bool> const prepared = co_await move.controller.is_prepared(
      move.resource.resource, target_key(move.rotation), *move.rotation.new_version, deadline);
  if (!prepared) co_return outcome_of(prepared.error());
  bool const asked = !move.asked.empty() && move.asked.back().prepares && !move.asked.back().ended_at;
  std::optional<StepOutcome> outcome;
  if (asked && *prepared) {
    outcome = co_await ended(move, move.asked.back(), std::nullopt);
  } else if (asked) {
    outcome = co_await follow(move, move.asked.back(), std::chrono::seconds(0));
  } else if (!*prepared) {
    outcome = co_await request(move, true);
  }
  co_return outcome;
}

asio::awaitable<std::optional<StepOutcome>> ResourceChanger::request(MovingResource& move, bool prepares) {
  if (std::ranges::count(move.asked, prepares, &ResourceChange::prepares) >= changes_max) {
    co_return refuses_version(move, prepares);
  }
  ResourceChange asked;
  asked.rotation = move.rotation.id;
  asked.resource = move.resource.resource;
  asked.attempt = static_cast<int>(move.asked.size()) + 1;
  asked.prepares = prepares;
  asked.to = *move.rotation.new_version;
  asked.asked_at = world_.clock.wall_now();
  Result<void> const durable = co_await keep(move, asked);
  if (!durable) co_return StepAgain{durable.error()};
  auto const deadline = world_.clock.mono_now() + resource_call_patience;
  KeyRef const& target = target_key(move.rotation);
  Result<providers::ChangeTicket> ticket;
  if (prepares) {
    ticket = co_await move.controller.prepare(asked.resource, target, asked.to, deadline);
  } else {
    ticket = co_await move.controller.move(asked.resource, target, asked.to, deadline);
  }
  if (!ticket && ticket.error().delivery != Delivery::maybe_applied) {
    std::optional<StepOutcome> refused = co_await ended(move, asked, ticket.error());
    co_return refused;
  }
  // What became of a request whose answer is lost, the resource tells.
  if (ticket) asked.operation = ticket->operation;
  if (ticket) asked.request_id = ticket->evidence.request_id;
  Result<void> const kept = co_await keep(move, asked);
  if (!kept) co_return StepAgain{kept.error()};
  auto const ask_after = ticket ? std::max(ticket->ask_after, std::chrono::seconds(1))
                                : std::chrono::seconds(resource_look_again_after);
  std::optional<StepOutcome> outcome = co_await follow(move, asked, ask_after);
  co_return outcome;
}

/// What its provider says of an operation; one that nobody can name is forgotten.
asio::awaitable<Result<ChangeProgress>> ResourceChanger::progress_of(MovingResource& move,
                                                                     ResourceChange const& asked) {
  if (asked.operation.empty()) co_return ChangeProgress{.state = ChangeProgress::State::forgotten};
  auto const deadline = world_.clock.mono_now() + resource_call_patience;
  Result<ChangeProgress> told = co_await move.controller.progress(asked.operation, deadline);
  co_return told;
}

/// A resource says that it is changing although nothing is under way any more: a change that stayed partial
/// may leave it so for ever (Azure's own example of one shows "Updating").
bool ResourceChanger::only_seems_to_change(ResourceChange const& asked, ChangeProgress::State state,
                                           std::optional<providers::Clock::Mono> over_since) const {
  if (state == ChangeProgress::State::done) {
    return over_since && world_.clock.mono_now() - *over_since >= settling_patience;
  }
  return world_.clock.wall_now() - asked.asked_at >= change_patience;
}

asio::awaitable<Result<ResourceChanger::Arrival>> ResourceChanger::arrival(MovingResource& move,
                                                                           ResourceChange const& asked,
                                                                           ChangeProgress::State state) {
  auto const deadline = world_.clock.mono_now() + resource_call_patience;
  if (asked.prepares) {
    Result<bool> const prepared =
        co_await move.controller.is_prepared(asked.resource, target_key(move.rotation), asked.to, deadline);
    if (!prepared) co_return std::unexpected(prepared.error());
    if (*prepared) co_return Arrival{};
    // One whose operation nobody can name may be on its way: then asking again is refused as a conflict.
    bool const done = state == ChangeProgress::State::done;
    co_return Arrival{done ? Arrival::State::settling : Arrival::State::over,
                      trouble_with(move.resource, ErrorClass::conflict,
                                   "the resource does not show the version that it was given", "")};
  }
  Result<Registration> const now = co_await move.controller.describe(asked.resource, deadline);
  bool const gone = !now && now.error().error_class == ErrorClass::not_found;
  if (gone) co_return Arrival{.state = Arrival::State::gone};
  if (!now) co_return std::unexpected(now.error());
  move.resource = *now;
  bool const changes = has_condition(*now, "changing");
  co_return Arrival{changes ? Arrival::State::settling : Arrival::State::over, what_failed(*now, asked.to)};
}

asio::awaitable<std::optional<StepOutcome>> ResourceChanger::follow(MovingResource& move,
                                                                    ResourceChange asked,
                                                                    std::chrono::seconds ask_after) {
  auto const patience = world_.clock.mono_now() + move.patience;
  std::optional<providers::Clock::Mono> over_since;
  ChangePace pace;
  ChangePace settling;
  while (!stop_.requested && world_.clock.mono_now() < patience) {
    auto const at = world_.clock.mono_now() + ask_after;
    if (ask_after > std::chrono::seconds(0)) co_await world_.clock.sleep_until(at);
    Result<ChangeProgress> const progress = co_await progress_of(move, asked);
    if (!progress) co_return StepAgain{progress.error()};
    ask_after = pace.next(progress->ask_after);
    if (progress->state == ChangeProgress::State::under_way) {
      bool const endless = world_.clock.wall_now() - asked.asked_at >= endless_after;
      if (endless) co_return change_never_ends(move.resource);
      continue;
    }
    if (progress->state == ChangeProgress::State::failed) {
      std::optional<StepOutcome> failed = co_await ended(move, asked, progress->error);
      co_return failed;
    }
    if (!over_since) over_since = world_.clock.mono_now();
    Result<Arrival> const arrived = co_await arrival(move, asked, progress->state);
    if (!arrived) co_return StepAgain{arrived.error()};
    bool const gone = arrived->state == Arrival::State::gone;
    if (gone) co_return std::nullopt;
    bool const settling_down = arrived->state == Arrival::State::settling;
    if (settling_down && !only_seems_to_change(asked, progress->state, over_since)) {
      // Its operation is over: it settles within seconds, mostly, and machines may stand still for it.
      ask_after = settling.next(std::chrono::seconds(0));
      continue;
    }
    std::optional<StepOutcome> outcome = co_await ended(move, asked, arrived->failure);
    co_return outcome;
  }
  co_return StepWait{world_.clock.wall_now() + resource_look_again_after,
                     fmt::format("its provider is changing {}", asked.resource.str())};
}

asio::awaitable<std::optional<StepOutcome>> ResourceChanger::ended(MovingResource& move, ResourceChange asked,
                                                                   std::optional<Error> failure) {
  asked.ended_at = world_.clock.wall_now();
  asked.outcome = failure ? "failed" : "done";
  if (failure) asked.message = to_text(*failure);
  if (failure && !failure->request_id.empty()) asked.request_id = failure->request_id;
  Result<void> const durable = co_await keep(move, asked);
  if (!durable) co_return StepAgain{durable.error()};
  if (!failure) co_return std::nullopt;
  co_return outcome_of(*std::move(failure));
}

}  // namespace rekeyd::daemon
