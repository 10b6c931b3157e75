// The steps of a rotation that carry the new version to what depends on the key, and prove that it is there.
#include "daemon/rotation_steps.hpp"
#include "daemon/step_outcomes.hpp"

#include <fmt/format.h>

#include <optional>
#include <utility>

namespace rekeyd::daemon {

namespace asio = boost::asio;
using providers::KeyDescription;

namespace {

constexpr char const* followed_by_dependants =
    "the key was rotated again by someone else; its dependants follow";

Error deks_refused(KeyRef const& key, RewrapSummary const& summary) {
  Error error = summary.first_refusal.value_or(Error{});
  error.error_class = ErrorClass::permanent;
  error.what = fmt::format("{} wrapped DEKs could not be moved; the first: {}", summary.refused, error.what);
  error.where = key.text();
  error.remedy =
      "the old wrappings stay and stay readable; mend or remove them (`rekeyctl history` names "
      "each), then `rekeyctl retry` the rotation";
  return error;
}

/// Whatever was to be on the rotation's version is to be on the key's newest one instead, by `outcome`. What
/// a successor is like now its own inventory tells.
void go_on_to(KeyDescription const& newer, TrackedKey const& key, Instant at, StepOutcome outcome,
              StepResult& result) {
  result.rotation.new_version = newer.key.current;
  result.rotation.new_version_made_by = MadeBy::other;
  result.outcome = std::move(outcome);
  if (!result.rotation.successor) storage::append(result.facts, facts_of(result.rotation, key, newer, at));
}

}  // namespace

asio::awaitable<StepResult> RotationSteps::propagate(Rotation rotation, TrackedKey const& key) {
  auto const* applied = std::get_if<AppliedPolicy>(&key.match);
  WrapBy wrap = WrapBy::local;
  if (applied != nullptr) wrap = applied->policy->wrap;
  RewrapSummary const moved = co_await rewrapper_.run(rotation, wrap);
  if (moved.stopped) {
    StepWait wait{world_.clock.wall_now(), "the daemon is stopping; re-wrapping goes on when it runs again"};
    co_return ended(std::move(rotation), std::move(wait));
  }
  if (moved.trouble) co_return ended(std::move(rotation), outcome_of(*moved.trouble));
  if (moved.unreadable) co_return ended(std::move(rotation), outcome_of(*moved.unreadable));
  if (moved.refused > 0) {
    StepResult refused = co_await newer_or_refused(std::move(rotation), key, moved);
    co_return refused;
  }
  StepResult result = co_await move_resources(std::move(rotation), key);
  bool const something_is_left =
      std::holds_alternative<StepWait>(result.outcome) || std::holds_alternative<StepBlocked>(result.outcome);
  if (!something_is_left || stop_.requested) co_return result;
  // What follows by itself takes the newest version: of ours it may never hear, and then waiting ends
  // nowhere.
  Result<std::optional<KeyDescription>> const newer = co_await rotated_again(result.rotation, key);
  if (!newer || !*newer) co_return result;
  Instant const at = world_.clock.wall_now();
  go_on_to(**newer, key, at, StepWait{at, followed_by_dependants}, result);
  co_return result;
}

asio::awaitable<StepResult> RotationSteps::move_resources(Rotation rotation, TrackedKey const& key) {
  bool const dated = key.stored.key.current == rotation.new_version && key.stored.key.current_created;
  Instant const version_made = dated ? *key.stored.key.current_created : rotation.opened;
  ResourceSummary resources = co_await mover_.run(rotation, version_made);
  StepResult result = ended(std::move(rotation), StepDone{});
  if (resources.unfinished) result.outcome = *std::move(resources.unfinished);
  result.facts = std::move(resources.facts);
  if (!resources.need_rest.empty()) {
    StepOutcome rest =
        co_await bring_to_rest(std::move(resources.need_rest), quiesce_rules_of(key), result.rotation);
    // What stands still can go on whatever keeps the others.
    bool const goes_on = std::holds_alternative<StepDetour>(rest) || !resources.unfinished;
    if (goes_on) result.outcome = std::move(rest);
  }
  bool const moved_all = std::holds_alternative<StepDone>(result.outcome);
  if (moved_all) co_await follow_registrations(result, key, version_made);
  co_return result;
}

asio::awaitable<void> RotationSteps::follow_registrations(StepResult& result, TrackedKey const& key,
                                                          Instant version_made) {
  // Services know their key by its id: of another one that takes its place they hear nothing.
  if (result.rotation.successor) co_return;
  auto const* applied = std::get_if<AppliedPolicy>(&key.match);
  std::chrono::seconds patience = usual_registrations_patience;
  if (applied != nullptr) patience = applied->policy->registrations_patience;
  RegistrationsLook look = co_await follower_.run(result.rotation, version_made, patience);
  storage::append(result.facts, std::move(look.facts));
  if (look.unfinished) result.outcome = *std::move(look.unfinished);
}

asio::awaitable<Result<std::optional<KeyDescription>>> RotationSteps::rotated_again(Rotation rotation,
                                                                                    TrackedKey const& key) {
  Result<KeyDescription> now = co_await read(target_key(rotation));
  if (!now) co_return std::unexpected(now.error());
  if (auto const late = lagging(*now, key, rotation.new_version)) co_return std::unexpected(*late);
  std::optional<KeyDescription> newer;
  if (now->key.current && now->key.current != rotation.new_version) newer = *std::move(now);
  co_return newer;
}

/// A service that re-wraps takes the version that is current then. If someone rotated the key again
/// meanwhile, that is why WDEKs were refused, and the newer version is where they go.
asio::awaitable<StepResult> RotationSteps::newer_or_refused(Rotation rotation, TrackedKey const& key,
                                                            RewrapSummary moved) {
  Result<std::optional<KeyDescription>> const newer = co_await rotated_again(rotation, key);
  if (!newer) co_return ended(std::move(rotation), outcome_of(newer.error()));
  if (!*newer) {
    StepBlocked blocked{"deks_refused", deks_refused(rotation.key, moved)};
    co_return ended(std::move(rotation), std::move(blocked));
  }
  Instant const at = world_.clock.wall_now();
  StepResult result = ended(std::move(rotation), StepDone{});
  go_on_to(**newer, key, at, StepWait{at, followed_by_dependants}, result);
  co_return result;
}

asio::awaitable<std::optional<StepOutcome>> RotationSteps::resources_behind(Rotation rotation) {
  Result<std::vector<std::string>> const behind = co_await mover_.left_behind(std::move(rotation));
  if (!behind) co_return outcome_of(behind.error());
  if (behind->empty()) co_return std::nullopt;
  co_return StepBack{Step::propagate, fmt::format("not on the new version: {}", fmt::join(*behind, ", "))};
}

asio::awaitable<StepResult> RotationSteps::verify(Rotation rotation, TrackedKey const& key) {
  if (rotation.successor) {
    StepResult result = co_await verify_replacement(std::move(rotation), key);
    co_return result;
  }
  Result<KeyDescription> const now = co_await read(rotation.key);
  if (!now) co_return ended(std::move(rotation), outcome_of(now.error()));
  if (auto const late = lagging(*now, key, rotation.new_version)) {
    co_return ended(std::move(rotation), StepAgain{*late});
  }
  Instant const at = world_.clock.wall_now();
  if (now->key.current && now->key.current != rotation.new_version) {
    StepResult result = ended(std::move(rotation), StepDone{});
    go_on_to(*now, key, at, StepBack{Step::propagate, followed_by_dependants}, result);
    co_return result;
  }
  Result<std::size_t> const left = co_await rewrapper_.left_behind(rotation.key, *rotation.new_version);
  if (!left) co_return ended(std::move(rotation), outcome_of(left.error()));
  if (*left > 0) {
    StepBack back{Step::propagate, fmt::format("{} wrapped DEKs appeared on an older version", *left)};
    co_return ended(std::move(rotation), std::move(back));
  }
  std::optional<StepOutcome> behind = co_await resources_behind(rotation);
  if (behind) co_return ended(std::move(rotation), *std::move(behind));
  StepResult result = ended(std::move(rotation), StepDone{});
  result.facts = facts_of(result.rotation, key, *now, at);
  co_return result;
}

}  // namespace rekeyd::daemon
