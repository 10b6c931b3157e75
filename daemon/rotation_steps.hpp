#pragma once
#include "daemon/fleet.hpp"
#include "daemon/material_drawing.hpp"
#include "daemon/quiescer.hpp"
#include "daemon/registration_follower.hpp"
#include "daemon/resource_mover.hpp"
#include "daemon/resumer.hpp"
#include "daemon/rewrapper.hpp"
#include "daemon/stop_flag.hpp"
#include "daemon/world.hpp"
#include "policy/rotation.hpp"
#include "storage/store.hpp"

#include <expected>
#include <functional>
#include <optional>

namespace rekeyd::daemon {

/// What a step brought back: how it ended, and the rows and events that become durable with that ending.
/// `rotation` is the rotation with what the step learned (base version, new version); advance() is not yet
/// applied.
struct StepResult {
  Rotation rotation;
  StepOutcome outcome;
  storage::Change facts;
  /// Set when the rotation ends because someone else made the current version: the version before it. Its
  /// dependants are for another rotation to move; `facts` has the key as it is now.
  std::optional<VersionId> drift_from{};
  MadeBy drift_made_by{MadeBy::other};
};

/// A step that ended so, and nothing else to put on record.
StepResult ended(Rotation rotation, StepOutcome outcome);

/// What the key's policy says of machines; without one, what holds for all.
QuiesceRules quiesce_rules_of(TrackedKey const& key);

/// A reading of the key as facts, told as this rotation's.
storage::Change facts_of(Rotation const& rotation, TrackedKey const& key,
                         providers::KeyDescription description, Instant at);

/// A reading that shows neither a version which was there before nor a newer one: a replica answered that
/// lags, and nothing follows from what it says.
std::optional<Error> lagging(providers::KeyDescription const& now, TrackedKey const& key,
                             std::optional<VersionId> const& seen);

/// The doing of each step. Every one reads the provider's truth first, so each can be asked again after a
/// crash, a lost answer or a long sleep.
class RotationSteps {
 public:
  /// Makes `rotation` durable as it is, before a request goes out: the intent of the act itself, and an event
  /// that belongs to it.
  using Record = std::function<boost::asio::awaitable<Result<void>>(Rotation rotation,
                                                                    std::optional<HistoryEvent> event)>;

  RotationSteps(World& world, StopFlag const& stop)
      : world_(world),
        stop_(stop),
        material_(world),
        rewrapper_(world, stop),
        mover_(world, stop),
        follower_(world),
        quiescer_(world, stop),
        resumer_(world, stop) {}

  /// Carries out `rotation.step`. `key` is the key as tracked, not to be changed while a rotation is open.
  boost::asio::awaitable<StepResult> run(Rotation rotation, TrackedKey const& key, Record record);

 private:
  boost::asio::awaitable<StepResult> claim(Rotation rotation, TrackedKey const& key);
  boost::asio::awaitable<StepResult> preflight(Rotation rotation, TrackedKey const& key);
  boost::asio::awaitable<StepResult> rotate(Rotation rotation, TrackedKey const& key, Record record);
  boost::asio::awaitable<StepResult> send_rotate(Rotation rotation, TrackedKey const& key, Record record);
  boost::asio::awaitable<StepResult> adopt(Rotation rotation, TrackedKey const& key, KeyVersion version,
                                           MadeBy made_by, providers::Evidence evidence);

  // propagation_steps.cpp: the new version goes to what depends on the key, and is proved to be there.
  boost::asio::awaitable<StepResult> propagate(Rotation rotation, TrackedKey const& key);
  boost::asio::awaitable<StepResult> move_resources(Rotation rotation, TrackedKey const& key);
  /// What has registered with the key takes its time: what is looked at last, and after everything else.
  boost::asio::awaitable<void> follow_registrations(StepResult& result, TrackedKey const& key,
                                                    Instant version_made);
  /// The key as it is, if someone made a newer version than the rotation's own.
  boost::asio::awaitable<Result<std::optional<providers::KeyDescription>>> rotated_again(
      Rotation rotation, TrackedKey const& key);
  boost::asio::awaitable<StepResult> newer_or_refused(Rotation rotation, TrackedKey const& key,
                                                      RewrapSummary moved);
  /// Resources that are not on the rotation's version yet, as the ending of a step; nothing: all are.
  boost::asio::awaitable<std::optional<StepOutcome>> resources_behind(Rotation rotation);
  boost::asio::awaitable<StepResult> verify(Rotation rotation, TrackedKey const& key);

  boost::asio::awaitable<std::optional<StepOutcome>> rest_hindered(KeyRef key, QuiesceRules rules);
  boost::asio::awaitable<StepOutcome> bring_to_rest(std::vector<ResourceId> behind, QuiesceRules rules,
                                                    Rotation& rotation);
  boost::asio::awaitable<StepResult> quiesce(Rotation rotation, QuiesceRules rules);
  boost::asio::awaitable<StepResult> change(Rotation rotation, QuiesceRules rules);
  boost::asio::awaitable<StepResult> resume(Rotation rotation, QuiesceRules rules);

  // replacement_steps.cpp: what differs where another key takes the key's place.
  boost::asio::awaitable<StepResult> preflight_replacement(Rotation rotation, TrackedKey const& key);
  boost::asio::awaitable<StepResult> take_successor(Rotation rotation, TrackedKey const& key, Record record);
  /// With `successor` where that is there: its outcome counts only without.
  boost::asio::awaitable<StepResult> make_successor(Rotation rotation, TrackedKey const& key, Record record);
  boost::asio::awaitable<StepResult> send_create(Rotation rotation, providers::CreateOrder order,
                                                 Record record);
  boost::asio::awaitable<StepResult> adopt_successor(Rotation rotation, KeyRef made,
                                                     providers::Evidence evidence);
  boost::asio::awaitable<StepResult> verify_replacement(Rotation rotation, TrackedKey const& key);
  StepResult replaced(Rotation rotation, TrackedKey const& key, providers::KeyDescription const& now);
  /// The successor now, or how a step ends that needs it.
  boost::asio::awaitable<std::expected<providers::KeyDescription, StepOutcome>> fit_successor(
      KeyRef successor, RootKey const& key);
  boost::asio::awaitable<Result<providers::KeyDescription>> read(KeyRef key);

  World& world_;
  StopFlag const& stop_;
  MaterialDrawing material_;
  Rewrapper rewrapper_;
  ResourceMover mover_;
  RegistrationFollower follower_;
  Quiescer quiescer_;
  Resumer resumer_;
};

}  // namespace rekeyd::daemon
