#pragma once
#include "daemon/world.hpp"

namespace rekeyd::daemon {

/// What time it is by a provider's clock, as the `Date` of its answers has told last; where none has, or the
/// provider is no longer configured, by the machine's. How old a request is must not depend on whether
/// somebody sets the machine's clock.
Instant provider_now(World& world, ProviderName const& provider);

}  // namespace rekeyd::daemon
