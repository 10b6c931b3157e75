#pragma once
#include "daemon/fleet.hpp"
#include "daemon/rewrapper.hpp"
#include "daemon/stop_flag.hpp"
#include "daemon/world.hpp"
#include "policy/upkeep.hpp"

#include <boost/asio/awaitable.hpp>

#include <optional>
#include <string>
#include <vector>

namespace rekeyd::daemon {

/// What can be set at the key's provider.
UpkeepAbilities abilities_of(World& world, KeyRef const& key);

/// Every old version that the policy wants retired, with what is known to speak against it now: the resources
/// that the surveys show; wrapped DEKs are counted only when the time has come. Asks nobody.
Result<std::vector<Retirement>> retirements_of(World& world, TrackedKey const& key);

/// Whether anything still needs the old versions of a key, as far as rekeyd can know: the resources that the
/// surveys show and the wrapped DEKs in the stores. What it cannot know speaks against retiring.
class OldVersions {
 public:
  OldVersions(World& world, StopFlag const& stop) : world_(world), rewrapper_(world, stop) {}

  /// Those that may be retired now: the grace time is over, each resource has been read again, and no wrapped
  /// DEK is on another version than the current one; of a key that was replaced, none is on any.
  boost::asio::awaitable<Result<std::vector<RetireVersion>>> retirable(TrackedKey const& key);

 private:
  /// Nothing uses another version of the key than `kept`; nothing: none is kept.
  boost::asio::awaitable<Result<bool>> all_left(KeyRef key, std::optional<VersionId> kept);

  World& world_;
  Rewrapper rewrapper_;
};

}  // namespace rekeyd::daemon
