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

Rotation sent_at(Rotation rotation, Instant now) {
  rotation.sent = RequestsSent{rotation.sent ? std::min(rotation.sent->first, now) : now, now};
  return rotation;
}

}  // namespace

Rotation sending(World& world, Rotation rotation) {
  Instant const now = world.clock.wall_now() + provider_ahead(world, rotation.key.provider);
  return sent_at(std::move(rotation), now);
}

RotateDecision decide(World& world, Rotation& rotation, std::vector<KeyVersion> const& versions,
                      std::chrono::seconds visibility_lag) {
  auto const ahead = provider_ahead(world, rotation.key.provider);
  Instant const now = world.clock.wall_now() + ahead;
  if (rotation.sent && now < rotation.sent->last) rotation = sent_at(std::move(rotation), now);
  RotateDecision decision = decide_rotate(rotation, versions, visibility_lag, now);
  if (auto* later = std::get_if<LookAgain>(&decision)) later->at -= ahead;
  return decision;
}

}  // namespace rekeyd::daemon
