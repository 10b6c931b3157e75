#pragma once
#include "config/settings.hpp"
#include "daemon/fleet.hpp"
#include "daemon/rotation_quota.hpp"
#include "policy/brakes.hpp"

#include <map>
#include <optional>
#include <vector>

namespace rekeyd::daemon {

/// Rotations at once and rotations begun in an hour: over all keys, by provider instance and by policy. The
/// hours are read back from the history at the start, so a restart does not open the tap again.
class RotationCaps {
 public:
  /// `fleet` and `settings` outlive it.
  RotationCaps(Fleet const& fleet, config::Settings const& settings) : fleet_(fleet), settings_(settings) {}

  Result<void> load(storage::StoreReader& store, Instant now);
  /// A rotation has begun: it counts for an hour.
  void began(Lane const& lane, Instant now);
  /// What began at `then` never came to be.
  void did_not_begin(Lane const& lane, Instant then);
  /// The caps that count for a lane, with what is used of them.
  std::vector<CapUse> uses(Lane const& lane, Instant now);

  /// A rotation that is being worked on, for as long as this lives.
  class Place {
   public:
    Place(RotationCaps& caps, Lane lane) : caps_(caps), lane_(std::move(lane)) { caps_.count(lane_, 1); }
    Place(Place const&) = delete;
    Place& operator=(Place const&) = delete;
    ~Place() { caps_.count(lane_, -1); }

   private:
    RotationCaps& caps_;
    Lane lane_;
  };

 private:
  struct Use {
    int in_flight{};
    RotationQuota hour;
  };
  void count(Lane const& lane, int more);
  CapUse use_of(BrakeScope const& scope, RotationLimits const& limits, Instant now);

  Fleet const& fleet_;
  config::Settings const& settings_;
  std::map<BrakeScope, Use> uses_;
  /// After a restore: what the life before it began in its last hour is not on record, so every cap per hour
  /// counts as used up until then.
  std::optional<Instant> forgotten_until_;
};

}  // namespace rekeyd::daemon
