#pragma once
#include "daemon/control/report.hpp"
#include "daemon/fleet.hpp"
#include "daemon/journal.hpp"
#include "daemon/rotation_request.hpp"
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

  /// Opens a rotation for `key` durably, as a person asked. The caller then spawns carry_on(). Error: nothing
  /// happened.
  Result<RotationId> open(TrackedKey& key, std::string requested_by, std::string reason);
  /// The same for a rotation in which `successor` takes the key's place; neither is in anybody's hand. A
  /// successor that had been replaced itself is in use again once it was found fit.
  Result<RotationId> open_replacement(TrackedKey& key, Successor const& successor, std::string requested_by,
                                      std::string reason);
  /// A rotation that the key's policy asks for, in memory only. The caller then spawns begin().
  Rotation const& propose(TrackedKey& key, std::string reason);
  /// Someone else has made the current version of the key, which is `stored` from now on. Where the policy
  /// lets us act: a rotation that has only the dependants left to move. It is for the caller to put on record
  /// (Journal::add_opening) in one change with what was found: nothing may end between the two.
  std::optional<Rotation> follower(storage::StoredKey const& stored, VersionId base_version, MadeBy made_by);
  /// The same for a resource that is left on `base_version`, an older one than the current.
  std::optional<Rotation> straggler(storage::StoredKey const& stored, VersionId base_version);

  /// Runs the key's open rotation until it ends, has to wait, or the daemon stops. The caller has marked the
  /// key as running; the mark is taken off at the end. Never throws except when cancelled.
  boost::asio::awaitable<void> carry_on(KeyRef key);

  /// Puts what was proposed for the key on record, together with its first step's intent, and carries it on.
  /// Error: it is not on record, nothing was done, and it is gone.
  boost::asio::awaitable<Result<void>> begin(KeyRef key);

  /// A person wants the key's blocked or waiting rotation tried now: failures are forgotten, the provider's
  /// truth and its lag are not. conflict: there is none, or it is under way.
  Result<void> retry(TrackedKey& key, std::string const& caller);
  /// Machines that stand still for it are started first, unless they are to stay as they are.
  Result<void> abandon(TrackedKey& key, std::string const& caller, AbandonRequest const& request);

 private:
  Result<storage::Change> leave_machines(Rotation const& rotation);
  std::optional<Rotation> dependants_only(storage::StoredKey const& stored, VersionId base_version,
                                          MadeBy made_by, std::string reason);
  Rotation begun(storage::StoredKey const& key, PolicyMatch const& match, Rotation rotation);
  boost::asio::awaitable<std::optional<storage::StepRecord>> intend(TrackedKey& key);
  boost::asio::awaitable<void> step_by_step(TrackedKey& key, std::optional<storage::StepRecord> intended);
  boost::asio::awaitable<std::optional<storage::StepRecord>> one_step(TrackedKey& key,
                                                                      storage::StepRecord intended);
  Result<void> use_again(Rotation const& rotation);
  void take_over(TrackedKey& key, Rotation after, std::optional<Rotation> after_it,
                 storage::Change const& facts);
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
