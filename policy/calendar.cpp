#include "policy/calendar.hpp"

namespace rekeyd {

namespace {

unsigned last_day(date::year_month month) {
  return static_cast<unsigned>(date::year_month_day_last(month / date::last).day());
}

date::year_month_day local_date(Instant instant, Zone zone) {
  return date::year_month_day(date::floor<date::days>(zone->to_local(instant)));
}

}  // namespace

Instant add_months(Instant from, int months, unsigned anchor_day, Zone zone) {
  auto const local = zone->to_local(from);
  auto const midnight = date::floor<date::days>(local);
  date::year_month_day const day(midnight);
  date::year_month const month = day.year() / day.month() + date::months(months);
  unsigned const clamped = std::min(anchor_day, last_day(month));
  auto const target = date::local_days(month / date::day(clamped)) + (local - midnight);
  // choose::earliest also covers a gap: both of its choices are the gap's end.
  return zone->to_sys(target, date::choose::earliest);
}

unsigned anchor_day(std::span<Instant const> created, Months every, Zone zone) {
  auto anchor = static_cast<unsigned>(local_date(created.front(), zone).day());
  for (std::size_t i = 1; i < created.size(); ++i) {
    date::year_month_day const made = local_date(created[i], zone);
    date::year_month_day const aimed =
        local_date(add_months(created[i - 1], every.count(), anchor, zone), zone);
    bool const clamped = static_cast<unsigned>(aimed.day()) < anchor;
    if (!(clamped && made == aimed)) anchor = static_cast<unsigned>(made.day());
  }
  return anchor;
}

}  // namespace rekeyd
