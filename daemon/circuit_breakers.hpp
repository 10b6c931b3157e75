#pragma once
#include "config/settings.hpp"
#include "daemon/fleet.hpp"
#include "daemon/holds.hpp"
#include "daemon/world.hpp"
#include "policy/rotation.hpp"

#include <map>
#include <set>
#include <vector>

namespace rekeyd::daemon {

/// For each provider instance and each policy: rotations that failed one after the other. At the limit a hold
/// is placed; after a while it lets one rotation through, the probe; any rotation that is done lets it go.
///
/// A rotation counts once however often its steps are tried again (policy/brakes.hpp says which endings
/// count). The count is read back from the history at the start, so a restart does not begin it anew.
class CircuitBreakers {
 public:
  /// `settings` outlives it.
  CircuitBreakers(World& world, Fleet const& fleet, Holds& holds, config::Settings const& settings)
      : world_(world), fleet_(fleet), holds_(holds), settings_(settings) {}

  /// After Holds::load().
  Result<void> load();
  /// A step of a rotation has ended; `after` is the rotation as it is now.
  void note(Rotation const& after, StepOutcome const& outcome);
  /// A scheduled rotation has begun: where the circuit is open it is the probe.
  void began(KeyRef const& key, PolicyName const& policy, RotationId const& rotation);
  /// It never came to be: where it was the probe, the next may be.
  void did_not_begin(KeyRef const& key, PolicyName const& policy, RotationId const& rotation);
  /// A person has let the hold go: the count begins anew.
  void forget(BrakeScope const& scope) { failing_.erase(scope); }

 private:
  using Failing = std::set<RotationId>;

  void replay(HistoryEvent const& event);
  Result<void> settle_probes();
  unsigned limit_of(BrakeScope const& scope) const;
  void failed(BrakeScope const& scope, Rotation const& rotation, Error const& error);
  void probe_failed(Hold hold, std::string const& what);
  void no_verdict(BrakeScope const& scope, RotationId const& rotation);

  World& world_;
  Fleet const& fleet_;
  Holds& holds_;
  config::Settings const& settings_;
  std::map<BrakeScope, Failing> failing_;  ///< Since the last rotation that was done.
};

}  // namespace rekeyd::daemon
