#include "daemon/resource_mover.hpp"

#include "daemon/change_pace.hpp"
#include "daemon/observed_registrations.hpp"
#include "daemon/step_outcomes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rekeyd::daemon {

namespace asio = boost::asio;
using providers::ChangeProgress;
using storage::ResourceChange;

namespace {

constexpr auto call_patience = std::chrono::minutes(2);
constexpr auto change_patience = std::chrono::minutes(30);
constexpr auto settling_patience = std::chrono::minutes(2);
constexpr auto endless_after = std::chrono::hours(2);
constexpr auto look_again_after = std::chrono::seconds(30);
constexpr auto look_for_survey_every = std::chrono::seconds(10);
constexpr auto look_at_followers_every = std::chrono::minutes(5);

bool is_on(Registration const& resource, VersionId const& version) {
  if (resource.version != version) return false;
  auto const& condition = resource.condition;
  return !condition ||
         (condition->word != "changing" && condition->word != "partly_moved" && condition->word != "failed");
}

bool has_condition(Registration const& resource, std::string_view word) {
  return resource.condition && resource.condition->word == word;
}

Error trouble_with(Registration const& resource, ErrorClass error_class, std::string what,
                   std::string remedy) {
  Error error;
  error.error_class = error_class;
  error.what = std::move(what);
  error.where = resource.resource.str();
  error.remedy = std::move(remedy);
  return error;
}

StepBlocked blocked_by(Registration const& resource) {
  ResourceCondition const& condition = *resource.condition;
  return {condition.word,
          trouble_with(resource, ErrorClass::permanent, condition.sentence, condition.remedy)};
}

StepBlocked change_never_ends(Registration const& resource) {
  return {"change_never_ends",
          trouble_with(resource, ErrorClass::permanent, "its change of key has been under way for two hours",
                       "look at the resource's activity log, or ask its provider's support; then `rekeyctl "
                       "retry`: rekeyd goes on following the change")};
}

/// Nothing: it is where it belongs.
std::optional<Error> what_failed(Registration const& now, VersionId const& wanted) {
  if (is_on(now, wanted)) return std::nullopt;
  std::string what =
      now.condition ? now.condition->sentence : "the change is over, and the resource is on its old version";
  return trouble_with(now, ErrorClass::conflict, std::move(what), "");
}

std::vector<ResourceChange> asked_of(std::vector<ResourceChange> const& all, ResourceId const& resource) {
  std::vector<ResourceChange> asked;
  std::ranges::copy_if(all, std::back_inserter(asked),
                       [&](ResourceChange const& each) { return each.resource == resource; });
  return asked;
}

}  // namespace

/// One resource on its way.
struct ResourceMover::Move {
  Rotation const& rotation;
  Instant version_made;
  providers::ResourceController& controller;
  Registration resource;
  std::vector<ResourceChange> asked;  ///< Of it, in this rotation.
  std::chrono::seconds patience{change_patience};
  bool at_rest{};     ///< Its machines stand still.
  bool needs_rest{};  ///< It is behind, and they have to.
};

std::optional<StepOutcome> ResourceMover::unknown_resources(KeyRef const& key) const {
  for (auto const& [name, instance] : world_.providers) {
    if (instance->resources == nullptr || !instance->resources->may_use(key)) continue;
    ResourceHealth const& health = instance->resource_health;
    if (health.last_survey && !health.unplaced.contains(key)) continue;
    std::string why = fmt::format(
        "it is not known yet which resources use the key: provider {} has not been surveyed", name.str());
    if (health.last_error.empty()) {
      return StepWait{world_.clock.wall_now() + look_for_survey_every, std::move(why)};
    }
    Error error;
    error.error_class = ErrorClass::transient;
    error.what = fmt::format("{}: {}", why, health.last_error);
    error.where = key.text();
    return StepAgain{std::move(error)};
  }
  return std::nullopt;
}

Result<std::vector<Registration>> ResourceMover::known(KeyRef const& key) const {
  bool const anybody_looks = std::ranges::any_of(
      world_.providers, [](auto const& each) { return each.second->resources != nullptr; });
  if (!anybody_looks) return std::vector<Registration>();
  auto registrations = world_.store.registrations(key);
  if (registrations) {
    // Those that never follow are nobody's to move, or to wait for.
    std::erase_if(*registrations, [this](Registration const& each) {
      return each.following == Following::never || world_.resource_controller(each.resource) == nullptr;
    });
  }
  return registrations;
}

Result<std::vector<ResourceId>> ResourceMover::immovable(KeyRef const& key) const {
  auto const registrations = world_.store.registrations(key);
  if (!registrations) return std::unexpected(registrations.error());
  std::vector<ResourceId> left;
  for (Registration const& each : *registrations) {
    bool const nobodys = world_.resource_controller(each.resource) == nullptr;
    if (each.following == Following::never || nobodys) left.push_back(each.resource);
  }
  return left;
}

Result<std::vector<ResourceId>> ResourceMover::strangers_to(KeyRef const& target, KeyRef const& key) const {
  auto const registrations = known(key);
  if (!registrations) return std::unexpected(registrations.error());
  std::vector<ResourceId> strangers;
  for (Registration const& each : *registrations) {
    if (!world_.resource_controller(each.resource)->may_use(target)) strangers.push_back(each.resource);
  }
  return strangers;
}

/// In a replacement also those that this rotation has told, and that may not be wholly on the successor yet.
Result<std::vector<Registration>> ResourceMover::dependants(Rotation const& rotation) const {
  auto registrations = known(rotation.key);
  if (!registrations || !rotation.successor) return registrations;
  auto moved = known(*rotation.successor);
  if (!moved) return moved;
  auto const asked = world_.store.resource_changes(rotation.id);
  if (!asked) return std::unexpected(asked.error());
  std::erase_if(*moved, [&](Registration const& each) {
    return std::ranges::find(*asked, each.resource, &ResourceChange::resource) == asked->end();
  });
  std::ranges::move(*moved, std::back_inserter(*registrations));
  return registrations;
}

asio::awaitable<ResourceSummary> ResourceMover::run(Rotation rotation, Instant version_made) {
  ResourceSummary summary;
  auto const registrations = dependants(rotation);
  if (!registrations) {
    summary.unfinished = outcome_of(registrations.error());
    co_return summary;
  }
  if (registrations->empty()) co_return summary;
  auto const asked = world_.store.resource_changes(rotation.id);
  if (!asked) {
    summary.unfinished = outcome_of(asked.error());
    co_return summary;
  }
  for (Registration const& registration : *registrations) {
    if (stop_.requested) {
      add_graver(summary.unfinished, StepWait{world_.clock.wall_now(), "the daemon is stopping"});
      break;
    }
    Move on_its_way{rotation, version_made, *world_.resource_controller(registration.resource), registration,
                    asked_of(*asked, registration.resource)};
    co_await move_one(on_its_way, summary);
  }
  co_return summary;
}

/// Moves it, and takes what was read of it into the summary.
asio::awaitable<void> ResourceMover::move_one(Move& on_its_way, ResourceSummary& summary) {
  Registration const before = on_its_way.resource;
  std::optional<StepOutcome> unfinished = co_await move(on_its_way);
  if (unfinished) add_graver(summary.unfinished, *std::move(unfinished));
  if (on_its_way.needs_rest) summary.need_rest.push_back(before.resource);
  on_its_way.resource.tied = before.tied;  // The survey's alone.
  if (on_its_way.resource == before) co_return;
  storage::Change facts;
  std::vector<Registration> const known{before};
  std::vector<Registration> const now{on_its_way.resource};
  bool const of_the_same_key = on_its_way.resource.key == before.key;
  tell_registrations(known, of_the_same_key ? now : std::vector<Registration>(), world_.clock.wall_now(),
                     facts);
  if (!of_the_same_key) tell_registrations({}, now, world_.clock.wall_now(), facts);
  for (HistoryEvent& event : facts.events) {
    event.rotation = on_its_way.rotation.id;
    event.policy = on_its_way.rotation.policy;
  }
  storage::append(summary.facts, std::move(facts));
}

asio::awaitable<ResourceSummary> ResourceMover::change(Rotation rotation, ResourceId resource,
                                                       std::chrono::seconds patience) {
  ResourceSummary summary;
  auto const registrations = dependants(rotation);
  auto const asked = world_.store.resource_changes(rotation.id);
  if (!registrations || !asked) {
    summary.unfinished = outcome_of(registrations ? asked.error() : registrations.error());
    co_return summary;
  }
  auto const registration = std::ranges::find(*registrations, resource, &Registration::resource);
  if (registration == registrations->end()) co_return summary;
  Move on_its_way{rotation, rotation.opened, *world_.resource_controller(resource), *registration,
                  asked_of(*asked, resource)};
  on_its_way.patience = std::min<std::chrono::seconds>(patience, change_patience);
  on_its_way.at_rest = true;
  co_await move_one(on_its_way, summary);
  co_return summary;
}

Result<std::vector<Registration>> ResourceMover::changed_at_rest(KeyRef const& key) const {
  auto registrations = known(key);
  if (!registrations) return registrations;
  std::erase_if(*registrations,
                [](Registration const& each) { return each.following != Following::when_told_at_rest; });
  return registrations;
}

/// Reads the resource, and does for it what it needs. Nothing: it is where it belongs, or it is gone.
asio::awaitable<std::optional<StepOutcome>> ResourceMover::move(Move& move) {
  auto const deadline = world_.clock.mono_now() + call_patience;
  Result<Registration> now = co_await move.controller.describe(move.resource.resource, deadline);
  if (!now && now.error().error_class == ErrorClass::not_found) co_return std::nullopt;
  if (!now) co_return outcome_of(now.error());
  KeyRef const& target = target_key(move.rotation);
  if (now->key != move.rotation.key && now->key != target) co_return std::nullopt;
  move.resource = *std::move(now);
  if (is_on(move.resource, *move.rotation.new_version)) co_return std::nullopt;
  bool const asked = !move.asked.empty() && !move.asked.back().ended_at;
  if (asked) {
    std::optional<StepOutcome> outcome = co_await follow(move, move.asked.back(), std::chrono::seconds(0));
    co_return outcome;
  }
  if (has_condition(move.resource, "no_identity")) co_return blocked_by(move.resource);
  // What a change of ours has left it in is not waited for.
  if (move.asked.empty() && has_condition(move.resource, "changing")) {
    co_return StepWait{world_.clock.wall_now() + look_again_after,
                       fmt::format("its provider is changing {}", move.resource.resource.str())};
  }
  switch (move.resource.following) {
    case Following::by_itself:
      // It follows its own key, not another one that takes the place.
      if (move.resource.key != target) break;
      co_return wait_for_itself(move);
    case Following::when_told_at_rest:
      move.needs_rest = !move.at_rest;
      if (move.needs_rest) co_return std::nullopt;
      break;
    case Following::when_told:
      break;
    case Following::never:
    case Following::unknown:
      co_return std::nullopt;
  }
  std::optional<StepOutcome> outcome = co_await ask(move);
  co_return outcome;
}

std::optional<StepOutcome> ResourceMover::wait_for_itself(Move const& move) const {
  if (has_condition(move.resource, "following_stopped")) return blocked_by(move.resource);
  Instant const now = world_.clock.wall_now();
  Instant const late_from = move.version_made + move.controller.following_lag(move.resource);
  std::string const& id = move.resource.resource.str();
  if (now < late_from) {
    Instant const next = std::min(now + look_at_followers_every, late_from);
    return StepWait{next, fmt::format("{} takes the new version up by itself", id)};
  }
  return StepBlocked{
      "resource_not_following",
      trouble_with(move.resource, ErrorClass::permanent,
                   "the resource should have taken up the new version by itself and has not",
                   "look at it at its provider, or name the version to it by hand; then `rekeyctl retry`")};
}

asio::awaitable<Result<void>> ResourceMover::keep(ResourceChange const& asked) {
  storage::Change change;
  change.resource_changes.push_back(asked);
  Result<void> kept = co_await group_.commit(std::move(change));
  co_return kept;
}

asio::awaitable<std::optional<StepOutcome>> ResourceMover::ask(Move& move) {
  if (move.asked.size() >= static_cast<std::size_t>(changes_max)) {
    co_return StepBlocked{
        "resource_refuses_version",
        trouble_with(move.resource, ErrorClass::permanent,
                     fmt::format("the resource did not take the new version in {} changes; the last: {}",
                                 changes_max, move.asked.back().message),
                     "both key versions stay enabled; mend what the provider names, then `rekeyctl retry`")};
  }
  ResourceChange asked;
  asked.rotation = move.rotation.id;
  asked.resource = move.resource.resource;
  asked.attempt = static_cast<int>(move.asked.size()) + 1;
  asked.to = *move.rotation.new_version;
  asked.asked_at = world_.clock.wall_now();
  Result<void> const durable = co_await keep(asked);
  if (!durable) co_return StepAgain{durable.error()};
  auto const deadline = world_.clock.mono_now() + call_patience;
  Result<providers::ChangeTicket> const ticket =
      co_await move.controller.move(asked.resource, target_key(move.rotation), asked.to, deadline);
  if (!ticket && ticket.error().delivery != Delivery::maybe_applied) {
    std::optional<StepOutcome> refused = co_await ended(asked, ticket.error());
    co_return refused;
  }
  // What became of a request whose answer is lost, the resource tells.
  if (ticket) asked.operation = ticket->operation;
  if (ticket) asked.request_id = ticket->evidence.request_id;
  Result<void> const kept = co_await keep(asked);
  if (!kept) co_return StepAgain{kept.error()};
  auto const ask_after =
      ticket ? std::max(ticket->ask_after, std::chrono::seconds(1)) : std::chrono::seconds(look_again_after);
  std::optional<StepOutcome> outcome = co_await follow(move, asked, ask_after);
  co_return outcome;
}

/// What its provider says of an operation; one that nobody can name is forgotten.
asio::awaitable<Result<ChangeProgress>> ResourceMover::progress_of(Move& move, ResourceChange const& asked) {
  if (asked.operation.empty()) co_return ChangeProgress{.state = ChangeProgress::State::forgotten};
  auto const deadline = world_.clock.mono_now() + call_patience;
  Result<ChangeProgress> told = co_await move.controller.progress(asked.operation, deadline);
  co_return told;
}

/// A resource says that it is changing although nothing is under way any more: a change that stayed partial
/// may leave it so for ever (Azure's own example of one shows "Updating").
bool ResourceMover::only_seems_to_change(ResourceChange const& asked, ChangeProgress::State state,
                                         std::optional<providers::Clock::Mono> over_since) const {
  if (state == ChangeProgress::State::done) {
    return over_since && world_.clock.mono_now() - *over_since >= settling_patience;
  }
  return world_.clock.wall_now() - asked.asked_at >= change_patience;
}

/// To the end of what was asked, or of our patience: then the next try goes on from what is on record.
asio::awaitable<std::optional<StepOutcome>> ResourceMover::follow(Move& move, ResourceChange asked,
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
      std::optional<StepOutcome> failed = co_await ended(asked, progress->error);
      co_return failed;
    }
    if (!over_since) over_since = world_.clock.mono_now();
    auto const deadline = world_.clock.mono_now() + call_patience;
    Result<Registration> const now = co_await move.controller.describe(asked.resource, deadline);
    if (!now && now.error().error_class == ErrorClass::not_found) co_return std::nullopt;
    if (!now) co_return StepAgain{now.error()};
    move.resource = *now;
    bool const changes = has_condition(*now, "changing");
    if (changes && !only_seems_to_change(asked, progress->state, over_since)) {
      // Its operation is over: it settles within seconds, mostly, and machines may stand still for it.
      ask_after = settling.next(std::chrono::seconds(0));
      continue;
    }
    std::optional<StepOutcome> outcome = co_await ended(asked, what_failed(*now, asked.to));
    co_return outcome;
  }
  co_return StepWait{world_.clock.wall_now() + look_again_after,
                     fmt::format("its provider is changing {}", asked.resource.str())};
}

asio::awaitable<std::optional<StepOutcome>> ResourceMover::ended(ResourceChange asked,
                                                                 std::optional<Error> failure) {
  asked.ended_at = world_.clock.wall_now();
  asked.outcome = failure ? "failed" : "done";
  if (failure) asked.message = to_text(*failure);
  if (failure && !failure->request_id.empty()) asked.request_id = failure->request_id;
  Result<void> const durable = co_await keep(asked);
  if (!durable) co_return StepAgain{durable.error()};
  if (!failure) co_return std::nullopt;
  co_return outcome_of(*std::move(failure));
}

asio::awaitable<Result<std::vector<std::string>>> ResourceMover::left_behind(Rotation rotation) {
  std::vector<std::string> left;
  auto const registrations = dependants(rotation);
  if (!registrations) co_return std::unexpected(registrations.error());
  for (Registration const& registration : *registrations) {
    auto const deadline = world_.clock.mono_now() + call_patience;
    Result<Registration> const now =
        co_await world_.resource_controller(registration.resource)->describe(registration.resource, deadline);
    if (!now && now.error().error_class == ErrorClass::not_found) continue;
    if (!now) co_return std::unexpected(now.error());
    bool const depends = now->key == rotation.key || now->key == target_key(rotation);
    bool const ours = depends && now->following != Following::unknown;
    if (ours && !is_on(*now, *rotation.new_version)) left.push_back(registration.resource.str());
  }
  co_return left;
}

}  // namespace rekeyd::daemon
