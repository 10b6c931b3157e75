#include "policy/provider_rotation.hpp"

#include <date/date.h>
#include <fmt/format.h>

#include <algorithm>

namespace rekeyd {

namespace {

using std::chrono::days;

/// The same day, `months` later, in UTC; the month's last day where it is shorter.
Instant plus_months(Instant from, int months) {
  auto const midnight = date::floor<date::days>(from);
  date::year_month_day day = date::year_month_day(midnight) + date::months(months);
  if (!day.ok()) day = day.year() / day.month() / date::last;
  return date::sys_days(day) + (from - midnight);
}

}  // namespace

bool rotates_itself(RootKey const& key) { return key.provider_rotation && key.provider_rotation->enabled; }

bool rotates_as_asked(RootKey const& key, Months every, std::optional<days> month) {
  if (!rotates_itself(key)) return false;
  ProviderRotation const& rotation = *key.provider_rotation;
  if (month) return rotation.days == every.count() * static_cast<int>(month->count());
  return rotation.months == every.count();
}

std::string asked_words(Months every, std::optional<days> month) {
  std::string const kind = month ? fmt::format(" of {} days", month->count()) : std::string();
  return fmt::format("every {} month{}{}", every.count(), every.count() == 1 ? "" : "s", kind);
}

std::optional<ProviderDate> provider_date(ProviderRotation const& rotation, Instant created) {
  constexpr int usual_month = 30;
  int const months = rotation.months.value_or(0);
  int const more_days = rotation.days.value_or(0);
  if (!rotation.enabled || months < 0 || more_days < 0 || months + more_days == 0) return std::nullopt;
  Instant const by_calendar = plus_months(created, months) + days(more_days);
  Instant const by_days = created + days(months * usual_month + more_days);
  Instant const since = rotation.since.value_or(created);
  ProviderDate date;
  date.earliest = std::min(by_calendar, by_days) - provider_tolerance;
  date.expected = std::max(by_calendar, since);
  date.latest = std::max({by_calendar, by_days, since}) + provider_tolerance;
  return date;
}

bool made_by_rule(ProviderRotation const& rotation, Instant created_before, Instant created) {
  auto const date = provider_date(rotation, created_before);
  return date && date->earliest <= created && created <= date->latest;
}

}  // namespace rekeyd
