#include "daemon/resource_mover.hpp"

#include "daemon/observed_registrations.hpp"
#include "daemon/step_outcomes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rekeyd::daemon {

namespace asio = boost::asio;
using storage::ResourceChange;

namespace {

constexpr auto look_for_survey_every = std::chrono::seconds(10);
constexpr auto look_at_followers_every = std::chrono::minutes(5);

StepBlocked blocked_by(Registration const& resource) {
  ResourceCondition const& condition = *resource.condition;
  return {condition.word,
          trouble_with(resource, ErrorClass::permanent, condition.sentence, condition.remedy)};
}

std::vector<ResourceChange> asked_of(std::vector<ResourceChange> const& all, ResourceId const& resource) {
  std::vector<ResourceChange> asked;
  std::ranges::copy_if(all, std::back_inserter(asked),
                       [&](ResourceChange const& each) { return each.resource == resource; });
  return asked;
}

}  // namespace

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
    // Those that never follow, or use the key no more, are nobody's to move, or to wait for.
    std::erase_if(*registrations, [this](Registration const& each) {
      return each.following == Following::never || each.following == Following::past ||
             world_.resource_controller(each.resource) == nullptr;
    });
  }
  return registrations;
}

Result<std::vector<ResourceId>> ResourceMover::immovable(KeyRef const& key) const {
  auto const registrations = world_.store.registrations(key);
  if (!registrations) return std::unexpected(registrations.error());
  std::vector<ResourceId> left;
  for (Registration const& each : *registrations) {
    if (each.following == Following::past) continue;
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
  std::vector<MovingResource> all;
  for (Registration const& registration : *registrations) {
    all.push_back({rotation, version_made, *world_.resource_controller(registration.resource), registration,
                   asked_of(*asked, registration.resource)});
  }
  std::set<std::string> const held_kinds = co_await prepare_all(all, summary);
  for (MovingResource& on_its_way : all) {
    if (stop_.requested) {
      add_graver(summary.unfinished, StepWait{world_.clock.wall_now(), "the daemon is stopping"});
      break;
    }
    if (!held_kinds.contains(on_its_way.resource.kind)) co_await move_one(on_its_way, summary);
  }
  co_return summary;
}

/// Before one is told the version, all have what they need for it: a database may be replicated from one
/// server to another, and the other one has to be able to read it. Those of a kind of which one is not ready
/// have to wait: that kind is returned.
asio::awaitable<std::set<std::string>> ResourceMover::prepare_all(std::vector<MovingResource>& all,
                                                                  ResourceSummary& summary) {
  std::set<std::string> unready;
  for (MovingResource& each : all) {
    bool const follows =
        each.resource.following == Following::by_itself && each.resource.key == target_key(each.rotation);
    if (stop_.requested || follows) continue;
    std::optional<StepOutcome> unprepared = co_await changer_.prepare(each);
    if (!unprepared) continue;
    add_graver(summary.unfinished, *std::move(unprepared));
    unready.insert(each.resource.kind);
  }
  co_return unready;
}

/// What is on record of a resource under the key that it uses now: a survey may have seen it arrive.
std::vector<Registration> ResourceMover::there_already(Registration const& now) const {
  auto registrations = world_.store.registrations(now.key);
  if (!registrations) return {};
  std::erase_if(*registrations, [&](Registration const& each) { return each.resource != now.resource; });
  return *std::move(registrations);
}

/// Moves it, and takes what was read of it into the summary.
asio::awaitable<void> ResourceMover::move_one(MovingResource& on_its_way, ResourceSummary& summary) {
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
  if (!of_the_same_key) tell_registrations(there_already(now.front()), now, world_.clock.wall_now(), facts);
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
  MovingResource on_its_way{rotation, rotation.opened, *world_.resource_controller(resource), *registration,
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
asio::awaitable<std::optional<StepOutcome>> ResourceMover::move(MovingResource& move) {
  auto const deadline = world_.clock.mono_now() + resource_call_patience;
  Result<Registration> now = co_await move.controller.describe(move.resource.resource, deadline);
  if (!now && now.error().error_class == ErrorClass::not_found) co_return std::nullopt;
  if (!now) co_return outcome_of(now.error());
  KeyRef const& target = target_key(move.rotation);
  if (now->key != move.rotation.key && now->key != target) co_return std::nullopt;
  move.resource = *std::move(now);
  if (is_on(move.resource, *move.rotation.new_version)) co_return std::nullopt;
  bool const asked = !move.asked.empty() && !move.asked.back().ended_at && !move.asked.back().prepares;
  if (asked) {
    std::optional<StepOutcome> outcome =
        co_await changer_.follow(move, move.asked.back(), std::chrono::seconds(0));
    co_return outcome;
  }
  if (has_condition(move.resource, "no_identity")) co_return blocked_by(move.resource);
  // What a change of ours has left it in is not waited for.
  if (move.asked.empty() && has_condition(move.resource, "changing")) {
    co_return StepWait{world_.clock.wall_now() + resource_look_again_after,
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
    case Following::past:
    case Following::unknown:
      co_return std::nullopt;
  }
  std::optional<StepOutcome> outcome = co_await changer_.prepare(move);
  if (!outcome) outcome = co_await changer_.ask(move);
  co_return outcome;
}

std::optional<StepOutcome> ResourceMover::wait_for_itself(MovingResource const& move) const {
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

asio::awaitable<Result<std::vector<std::string>>> ResourceMover::left_behind(Rotation rotation) {
  std::vector<std::string> left;
  auto const registrations = dependants(rotation);
  if (!registrations) co_return std::unexpected(registrations.error());
  for (Registration const& registration : *registrations) {
    auto const deadline = world_.clock.mono_now() + resource_call_patience;
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
