#pragma once
#include "daemon/world.hpp"
#include "policy/rotation.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <vector>

namespace rekeyd::daemon {

/// When the rotate requests of this life went out, by a clock that nobody sets. Versions are dated by their
/// provider and requests by the machine, whose clock may be wrong, or set in between: what is decided from
/// both is decided by the provider's clock, as its answers' `Date` tells it.
class RotateRequests {
 public:
  using Moment = std::optional<providers::Clock::Mono>;

  explicit RotateRequests(World& world) : world_(world), life_began_(world.clock.mono_now()) {}

  /// A request for this rotation goes out. Returns when one went out before, for did_not_arrive().
  Moment goes_out(RotationId const& rotation);
  /// It is certain that it took no effect.
  void did_not_arrive(RotationId const& rotation, Moment const& before);
  /// Its version is known.
  void settled(RotationId const& rotation) { sent_.erase(rotation); }

  /// decide_rotate(). LookAgain names a moment of the machine's clock.
  RotateDecision decide(Rotation const& rotation, std::vector<KeyVersion> const& versions,
                        std::chrono::seconds visibility_lag) const;

 private:
  std::chrono::seconds provider_ahead(ProviderName const& provider) const;
  Rotation by_provider_clock(Rotation rotation, std::chrono::seconds ahead) const;

  World& world_;
  providers::Clock::Mono life_began_;
  std::map<RotationId, providers::Clock::Mono> sent_;
};

}  // namespace rekeyd::daemon
