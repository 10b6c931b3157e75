#include "daemon/provider_time.hpp"

namespace rekeyd::daemon {

Instant provider_now(World& world, ProviderName const& provider) {
  ProviderInstance* const known = world.provider(provider);
  if (known == nullptr) return world.clock.wall_now();  // No longer configured, with machines still at rest.
  auto const heard = known->api->last_date();
  auto const ahead = heard ? providers::clock_offset(*heard, world.clock) : std::chrono::seconds(0);
  return world.clock.wall_now() + ahead;
}

}  // namespace rekeyd::daemon
