#pragma once
#include "policy/key.hpp"
#include "policy/match.hpp"

#include <span>

namespace rekeyd {

/// When a key is due. THE function: nothing else computes due dates.
///
/// `versions` are the key's versions oldest first (not empty), as the provider reports them; the last one is
/// the current one. The date is the current version's creation time plus `applied.every` calendar months in
/// the policy's zone (policy/calendar.hpp tells how month ends work), plus the spread below. Under `mode:
/// delegate` it is the provider's own date (policy/provider_rotation.hpp) as soon as the provider has one.
Instant due_at(AppliedPolicy const& applied, RootKey const& key, std::span<KeyVersion const> versions);

/// The same whoever rotates the key: what our calendar says.
Instant calendar_due_at(AppliedPolicy const& applied, KeyRef const& key,
                        std::span<KeyVersion const> versions);

/// Our calendar's date of the `number`th rotation from now, from 1, if each before it happens on its date.
Instant due_after(AppliedPolicy const& applied, KeyRef const& key, std::span<KeyVersion const> versions,
                  std::size_t number);

/// The first due date and those that follow it up to `until`, if each rotation happens on its date. For
/// plans; the first is due_at() itself.
std::vector<Instant> due_dates_until(AppliedPolicy const& applied, RootKey const& key,
                                     std::span<KeyVersion const> versions, Instant until);

/// How much later than its calendar date a key is due: 0 <= result < spread. A function of key and date
/// alone, so it is the same whenever it is asked.
std::chrono::seconds spread_offset(KeyRef const& key, Instant calendar_date, std::chrono::seconds spread);

}  // namespace rekeyd
