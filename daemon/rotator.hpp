#pragma once
#include "daemon/fleet.hpp"
#include "daemon/journal.hpp"
#include "daemon/rotation_steps.hpp"
#include "daemon/stop_flag.hpp"
#include "daemon/world.hpp"

#include <functional>
#include <optional>
#include <utility>

namespace rekeyd::daemon {

/// Carries rotations through their steps: intent, act, outcome, each durable before the next. One coroutine a
/// key; the `running` mark sees to it that there is never a second for the same key.
class Rotator {
 public:
  Rotator(World& world, Fleet& fleet, StopFlag const& stop)
      : world_(world), fleet_(fleet), stop_(stop), journal_(world), steps_(world, stop) {}

  /// `ended` is told each ending of a step after it became durable: the rotation as it is now, and how the
  /// step ended.
  void when_step_ended(std::function<void(Rotation const&, StepOutcome const&)> ended) {
    ended_ = std::move(ended);
  }

  /// Opens a rotation for `key` durably. The caller then spawns carry_on(). Error: nothing happened.
  Result<RotationId> open(TrackedKey& key, Trigger trigger, std::string requested_by, std::string reason);
  /// Adds to `change`, which records the new current version of `key` that someone else has made, a rotation
  /// whose only work is to move its dependants. One transaction: a version that is on record without its
  /// rotation would never be followed. Once it is durable, took_effect().
  Rotation add_for_drift(storage::StoredKey const& key, AppliedPolicy const& applied, VersionId base_version,
                         MadeBy made_by, storage::Change& change);
  /// The rotation has become durable.
  void took_effect(TrackedKey& key, Rotation rotation);

  /// Runs the key's open rotation until it ends, has to wait, or the daemon stops. The caller has marked the
  /// key as running; the mark is taken off at the end. Never throws except when cancelled.
  boost::asio::awaitable<void> carry_on(KeyRef key);

  /// A person wants the key's blocked or waiting rotation tried now: failures are forgotten, the provider's
  /// truth and its lag are not. conflict: there is none, or it is under way.
  Result<void> retry(TrackedKey& key, std::string const& caller);
  Result<void> abandon(TrackedKey& key, std::string const& caller, std::string const& reason);

 private:
  void fill_in(Rotation& rotation, storage::StoredKey const& key, AppliedPolicy const* applied);
  boost::asio::awaitable<std::optional<storage::StepRecord>> intend(TrackedKey& key);
  boost::asio::awaitable<std::optional<storage::StepRecord>> one_step(TrackedKey& key,
                                                                      storage::StepRecord intended);
  void take_over(TrackedKey& key, Rotation after, storage::Change const& facts);
  void not_recorded(TrackedKey& key, Error const& error);

  World& world_;
  Fleet& fleet_;
  StopFlag const& stop_;
  Journal journal_;
  RotationSteps steps_;
  std::function<void(Rotation const&, StepOutcome const&)> ended_ = [](Rotation const&, StepOutcome const&) {
  };
};

}  // namespace rekeyd::daemon
