#pragma once
#include "policy/calendar.hpp"
#include "policy/instant.hpp"

#include <span>

namespace rekeyd::simulation {

/// The calendar rule, written a second time and by other means, so that a slip in policy/calendar.cpp is not
/// repeated in what judges it: the newest version's moment, `months` later at the same time of day in `zone`,
/// on the chain's own day of the month or the last one there is. `created`: oldest first, not empty.
Instant calendar_due(std::span<Instant const> created, int months, Zone zone);

}  // namespace rekeyd::simulation
