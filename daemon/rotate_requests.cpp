#include "daemon/rotate_requests.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace rekeyd::daemon {

namespace {

/// The provider's time minus the machine's.
std::chrono::seconds provider_ahead(World& world, ProviderName const& provider) {
  auto const heard = world.provider(provider)->api->last_date();
  return heard ? providers::clock_offset(*heard, world.clock) : std::chrono::seconds(0);
}

}  // namespace

Instant provider_now(World& world, ProviderName const& provider) {
  return world.clock.wall_now() + provider_ahead(world, provider);
}

Rotation sending(World& world, Rotation rotation) {
  Instant const now = provider_now(world, rotation.key.provider);
  rotation.sent = RequestsSent{rotation.sent ? std::min(rotation.sent->first, now) : now, now};
  return rotation;
}

RotateDecision decide(World& world, Rotation& rotation, std::vector<KeyVersion> const& versions,
                      std::chrono::seconds visibility_lag) {
  Instant const now = provider_now(world, rotation.key.provider);
  if (rotation.sent && now < rotation.sent->last) rotation = sending(world, std::move(rotation));
  RotateDecision decision = decide_rotate(rotation, versions, visibility_lag, now);
  if (auto* later = std::get_if<LookAgain>(&decision)) {
    later->at -= provider_ahead(world, rotation.key.provider);
  }
  return decision;
}

}  // namespace rekeyd::daemon
