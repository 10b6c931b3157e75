#pragma once
#include "daemon/group_commit.hpp"
#include "daemon/world.hpp"
#include "policy/rotation.hpp"
#include "storage/store.hpp"

#include <chrono>
#include <optional>
#include <vector>

namespace rekeyd::daemon {

/// What came of a look at what has registered with a key.
struct RegistrationsLook {
  storage::Change facts;  ///< What was read, against what we knew.
  /// Why not all are on the version yet. Nothing: they are, or the patience with them is over.
  std::optional<StepOutcome> unfinished;
};

/// Follows the resources that their services have registered with a key at its provider (IBM). Nobody but the
/// service moves such a resource: it hears of a rotation and has four hours. The services of those that are
/// behind by then are asked again, at most once an hour, over restarts, until all are on the version or the
/// policy's patience is over. Then the rotation goes on without them, and they are named.
class RegistrationFollower {
 public:
  explicit RegistrationFollower(World& world)
      : world_(world), group_(world.executor, world.store, world.committing) {}

  /// `rotation.new_version` is where they go; it was made at `version_made`. Whoever's provider keeps no list
  /// of registrations has none.
  boost::asio::awaitable<RegistrationsLook> run(Rotation rotation, Instant version_made,
                                                std::chrono::seconds patience);

 private:
  struct Follow {
    Rotation rotation;
    Instant version_made{};
    Instant end{};                       ///< Of the patience.
    std::vector<Registration> behind{};  ///< Not on the version.
  };
  struct Asked {
    Instant at{};          ///< When the services last heard of the version: by the rotation, or by us.
    Instant not_before{};  ///< When they may be asked next.
  };

  boost::asio::awaitable<void> ask(Follow const& follow, RegistrationsLook& look);
  boost::asio::awaitable<Result<Asked>> sync(Follow const& follow, RegistrationsLook& look);
  Result<Asked> last_asked(Follow const& follow) const;
  void give_up(Follow const& follow, RegistrationsLook& look) const;
  /// In the facts, as the rotation's.
  void tell(Follow const& follow, std::vector<Registration> const& known,
            std::vector<Registration> const& now, RegistrationsLook& look) const;

  World& world_;
  GroupCommit group_;
};

}  // namespace rekeyd::daemon
