#include "daemon/rotate_requests.hpp"

#include "daemon/provider_time.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace rekeyd::daemon {

namespace {

Rotation sent_at(Rotation rotation, Instant now) {
  rotation.sent = RequestsSent{rotation.sent ? std::min(rotation.sent->first, now) : now, now};
  return rotation;
}

}  // namespace

Rotation sending(World& world, Rotation rotation) {
  Instant const now = provider_now(world, rotation.key.provider);
  return sent_at(std::move(rotation), now);
}

RotateDecision decide(World& world, Rotation& rotation, std::vector<KeyVersion> const& versions,
                      std::chrono::seconds visibility_lag) {
  Instant const now = provider_now(world, rotation.key.provider);
  auto const ahead = now - world.clock.wall_now();
  if (rotation.sent && now < rotation.sent->last) rotation = sent_at(std::move(rotation), now);
  RotateDecision decision = decide_rotate(rotation, versions, visibility_lag, now);
  if (auto* later = std::get_if<LookAgain>(&decision)) later->at -= ahead;
  return decision;
}

}  // namespace rekeyd::daemon
