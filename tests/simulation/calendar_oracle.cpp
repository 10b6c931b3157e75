#include "tests/simulation/calendar_oracle.hpp"

#include <algorithm>
#include <cstdint>

namespace rekeyd::simulation {

namespace {

/// A day and the seconds since its midnight, as a wall clock in some zone shows them.
struct Local {
  std::int64_t year;
  int month;  ///< From 0.
  int day;
  std::int64_t second_of_day;
};

bool leap(std::int64_t year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

int days_in(std::int64_t year, int month) {
  constexpr int days[]{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 1 && leap(year) ? 29 : days[month];
}

std::int64_t days_before_year(std::int64_t year) {
  std::int64_t const before = year - 1;
  return before * 365 + before / 4 - before / 100 + before / 400 - 719162;  // 1970-01-01 is day 0
}

std::int64_t day_number(std::int64_t year, int month, int day) {
  std::int64_t days = days_before_year(year) + day - 1;
  for (int m = 0; m < month; ++m) days += days_in(year, m);
  return days;
}

std::int64_t offset_at(std::int64_t utc, Zone zone) {
  return zone->get_info(Instant(std::chrono::seconds(utc))).offset.count();
}

Local local_of(Instant instant, Zone zone) {
  std::int64_t const utc = instant.time_since_epoch().count();
  std::int64_t const shown = utc + offset_at(utc, zone);
  std::int64_t const days = shown >= 0 ? shown / 86400 : (shown - 86399) / 86400;
  Local local{1970 + days / 366, 0, 0, shown - days * 86400};
  while (days_before_year(local.year + 1) <= days) ++local.year;
  std::int64_t rest = days - days_before_year(local.year);
  while (rest >= days_in(local.year, local.month)) rest -= days_in(local.year, local.month++);
  local.day = static_cast<int>(rest) + 1;
  return local;
}

/// A time that daylight saving skips means the first moment after the gap, one that comes twice the first of
/// the two.
Instant instant_of(std::int64_t wanted, Zone zone) {
  std::int64_t const a_day = 86400;
  auto const [winter, summer] =
      std::minmax({offset_at(wanted - a_day, zone), offset_at(wanted + a_day, zone)});
  for (std::int64_t const utc : {wanted - summer, wanted - winter}) {
    if (utc + offset_at(utc, zone) == wanted) return Instant(std::chrono::seconds(utc));
  }
  return zone->get_info(Instant(std::chrono::seconds(wanted - summer))).end;
}

struct Aim {
  std::int64_t year;
  int month;
  int day;
};

Aim months_later(Local const& from, int months, int wanted_day) {
  std::int64_t const month = from.year * 12 + from.month + months;
  Aim aim{month / 12, static_cast<int>(month % 12), 0};
  aim.day = std::min(wanted_day, days_in(aim.year, aim.month));
  return aim;
}

}  // namespace

Instant calendar_due(std::span<Instant const> created, int months, Zone zone) {
  Local previous = local_of(created.front(), zone);
  int wanted_day = previous.day;
  for (Instant const at : created.subspan(1)) {
    Local const made = local_of(at, zone);
    Aim const aim = months_later(previous, months, wanted_day);
    bool const on_a_shortened_month =
        aim.day < wanted_day && aim.year == made.year && aim.month == made.month && aim.day == made.day;
    if (!on_a_shortened_month) wanted_day = made.day;
    previous = made;
  }
  Aim const aim = months_later(previous, months, wanted_day);
  return instant_of(day_number(aim.year, aim.month, aim.day) * 86400 + previous.second_of_day, zone);
}

}  // namespace rekeyd::simulation
