#include "daemon/rotate_requests.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace rekeyd::daemon {

RotateRequests::Moment RotateRequests::goes_out(RotationId const& rotation) {
  auto const now = world_.clock.mono_now();
  auto const [sent, first] = sent_.try_emplace(rotation, now);
  if (first) return std::nullopt;
  return std::exchange(sent->second, now);
}

void RotateRequests::did_not_arrive(RotationId const& rotation, Moment const& before) {
  if (before) {
    sent_[rotation] = *before;
  } else {
    sent_.erase(rotation);
  }
}

RotateDecision RotateRequests::decide(Rotation const& rotation, std::vector<KeyVersion> const& versions,
                                      std::chrono::seconds visibility_lag) const {
  auto const ahead = provider_ahead(rotation.key.provider);
  Rotation const as_dated_there = by_provider_clock(rotation, ahead);
  RotateDecision decision =
      decide_rotate(as_dated_there, versions, visibility_lag, world_.clock.wall_now() + ahead);
  if (auto* later = std::get_if<LookAgain>(&decision)) later->at -= ahead;
  return decision;
}

/// The provider's time minus the machine's, as far as its answers have told.
std::chrono::seconds RotateRequests::provider_ahead(ProviderName const& provider) const {
  auto const heard = world_.provider(provider)->api->last_date();
  return heard ? providers::clock_offset(*heard, world_.clock) : std::chrono::seconds(0);
}

/// Across a restart, and who knows how the wall clock was set meanwhile, it is as if the request had gone out
/// when this life began.
Rotation RotateRequests::by_provider_clock(Rotation rotation, std::chrono::seconds ahead) const {
  if (!rotation.last_sent) return rotation;
  auto const sent = sent_.find(rotation.id);
  bool const in_this_life = sent != sent_.end();
  auto const since = world_.clock.mono_now() - (in_this_life ? sent->second : life_began_);
  rotation.last_sent = world_.clock.wall_now() + ahead - std::chrono::floor<std::chrono::seconds>(since);
  if (in_this_life) rotation.opened = std::min(rotation.opened, *rotation.last_sent);
  return rotation;
}

}  // namespace rekeyd::daemon
