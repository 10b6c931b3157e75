#include "daemon/provider_time.hpp"

namespace rekeyd::daemon {

Instant provider_now(World& world, ProviderName const& provider) {
  auto const heard = world.provider(provider)->api->last_date();
  auto const ahead = heard ? providers::clock_offset(*heard, world.clock) : std::chrono::seconds(0);
  return world.clock.wall_now() + ahead;
}

}  // namespace rekeyd::daemon
