#pragma once
#include "daemon/resource_changer.hpp"
#include "daemon/stop_flag.hpp"
#include "daemon/world.hpp"
#include "policy/rotation.hpp"
#include "providers/resource_controller.hpp"
#include "storage/store.hpp"

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace rekeyd::daemon {

/// What came of moving the resources of one key.
struct ResourceSummary {
  storage::Change facts;  ///< What was read of them, against what we knew.
  /// Why not all are on the version yet; the gravest. Nothing: they are, but for those below.
  std::optional<StepOutcome> unfinished;
  std::vector<ResourceId> need_rest;  ///< Not on the version, and machines have to stand still for it.
};

/// Carries a new key version to the resources that were found to use the key, each as it follows its key:
/// - `when_told`: the change is asked for, after that is on record, and followed to its end, over restarts;
///   one that fails is asked for again, with back-off, at most `ResourceChanger::changes_max` times;
///   what such a resource needs before it can be told (ResourceController::prepare), all of the key's get
///   first, in the same way;
/// - `by_itself`: it is waited for as long as its provider may lag;
/// - `when_told_at_rest`: left alone by run(), and named; told by change() once its machines stand still.
/// In a replacement those that follow by themselves are told as well: it is another key.
/// What a provider says of a resource counts, never what we remember.
class ResourceMover {
 public:
  ResourceMover(World& world, StopFlag const& stop) : world_(world), stop_(stop), changer_(world, stop) {}

  /// How a step ends that has to know all resources of the key while they are not known yet; nothing: they
  /// are. While the first survey is under way it is waited for; one that failed is told.
  std::optional<StepOutcome> unknown_resources(KeyRef const& key) const;
  /// `rotation.new_version` is where they go; it was made at `version_made`.
  boost::asio::awaitable<ResourceSummary> run(Rotation rotation, Instant version_made);
  /// One resource alone whose machines stand still; at most so long.
  boost::asio::awaitable<ResourceSummary> change(Rotation rotation, ResourceId resource,
                                                 std::chrono::seconds patience);
  /// Those of the key whose machines have to stand still for a change.
  Result<std::vector<Registration>> changed_at_rest(KeyRef const& key) const;
  /// Those of the key that nobody can move: they never follow it, or no provider entry looks after them.
  Result<std::vector<ResourceId>> immovable(KeyRef const& key) const;
  /// Those that can be moved, but not to `target`: nobody who looks after them knows its vault.
  Result<std::vector<ResourceId>> strangers_to(KeyRef const& target, KeyRef const& key) const;
  /// Resources of the key that are not, or not wholly, on the rotation's new version, as words.
  boost::asio::awaitable<Result<std::vector<std::string>>> left_behind(Rotation rotation);

 private:
  Result<std::vector<Registration>> known(KeyRef const& key) const;
  Result<std::vector<Registration>> dependants(Rotation const& rotation) const;
  boost::asio::awaitable<std::set<std::string>> prepare_all(std::vector<MovingResource>& all,
                                                            ResourceSummary& summary);
  std::vector<Registration> there_already(Registration const& now) const;
  boost::asio::awaitable<void> move_one(MovingResource& on_its_way, ResourceSummary& summary);
  boost::asio::awaitable<std::optional<StepOutcome>> move(MovingResource& move);
  std::optional<StepOutcome> wait_for_itself(MovingResource const& move) const;

  World& world_;
  StopFlag const& stop_;
  ResourceChanger changer_;
};

}  // namespace rekeyd::daemon
