#pragma once
#include "policy/instant.hpp"
#include "policy/months.hpp"

#include <date/tz.h>

#include <span>

namespace rekeyd {

/// A named time zone of the system's IANA database. Never null in a loaded policy. The database is read
/// once, when the zone is looked up (config/); from then on this is pure data.
using Zone = date::time_zone const*;

/// `from` plus `months` (more than 12 allowed: a plan looks years ahead), at the same wall-clock time in
/// `zone`, on day `anchor_day` (1..31), or on the month's last day if the month is shorter. A wall-clock
/// time that daylight saving skips moves to the first moment after the gap; one that comes twice means the
/// first of the two.
Instant add_months(Instant from, int months, unsigned anchor_day, Zone zone);

/// The day of the month that a chain of rotations aims at.
///
/// `created` are the creation times of a key's versions, oldest first. The first version sets the day; a
/// later version sets it anew unless it was made on the very day that a clamped interval named: a key made
/// on 31 January and rotated on 28 February still aims at the 31st, so March's date is the 31st again.
/// Precondition: `created` is sorted and not empty.
unsigned anchor_day(std::span<Instant const> created, Months every, Zone zone);

}  // namespace rekeyd
