#pragma once
#include "daemon/world.hpp"
#include "policy/rotation.hpp"

#include <chrono>
#include <vector>

// When a rotate request went out, and how old it is. Versions are dated by their provider and the machine's
// clock may be wrong, or set between two lives: so both are told by the provider's clock, which the `Date`
// of its answers has told last. Where none of them has, the machine's stands in.
namespace rekeyd::daemon {

/// Of a rotation whose provider is configured: as it is when its request goes out now: to be made durable
/// before.
Rotation sending(World& world, Rotation rotation);

/// decide_rotate(); LookAgain names a moment of the machine's clock. A provider whose clock has been set back
/// since the request went out makes `rotation` tell that it went out now, so that the wait has an end.
RotateDecision decide(World& world, Rotation& rotation, std::vector<KeyVersion> const& versions,
                      std::chrono::seconds visibility_lag);

}  // namespace rekeyd::daemon
