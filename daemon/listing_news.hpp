#pragma once
#include "daemon/fleet.hpp"
#include "policy/key_status.hpp"

namespace rekeyd::daemon {

/// Is a known key worth reading in full, now that a listing shows it so? `said`: what is said of it now.
bool shows_news(RootKey const& listed, TrackedKey const& known, Verdict const& said, Instant now);

}  // namespace rekeyd::daemon
