#pragma once
#include "daemon/fleet.hpp"
#include "daemon/holds.hpp"
#include "daemon/world.hpp"
#include "policy/brakes.hpp"

#include <set>

namespace rekeyd::daemon {

/// Keys seen for the first time wait until the look that found them has ended, and the first looks of this
/// life at every provider instance have: then it is known how many of them are due, and too many are held.
/// Across restarts the waiting is kept by StoredKey::admitted.
class Arrivals {
 public:
  Arrivals(World& world, Fleet& fleet, Holds& holds, StormLimit limit);

  /// A look at a provider instance has come to its end, whether it was complete or not. True: keys that had
  /// waited for it are let in, or held.
  bool looked(ProviderName const& provider);

 private:
  bool judge();

  World& world_;
  Fleet& fleet_;
  Holds& holds_;
  StormLimit limit_;
  std::set<ProviderName> not_looked_at_;
};

}  // namespace rekeyd::daemon
