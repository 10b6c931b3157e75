#include "daemon/control/plan_span.hpp"

#include <date/date.h>

#include <array>
#include <charconv>

namespace rekeyd::daemon {

namespace {

constexpr int months_max = 120;
constexpr int days_max = 3653;

struct Unit {
  std::string_view singular, plural;
  PlanSpan one;
};
constexpr std::array units{Unit{"day", "days", {0, 1}}, Unit{"week", "weeks", {0, 7}},
                           Unit{"month", "months", {1, 0}}, Unit{"year", "years", {12, 0}}};

std::optional<PlanSpan> times(PlanSpan one, int count) {
  PlanSpan const span{one.months * count, one.days * count};
  if (span.months > months_max || span.days > days_max) return std::nullopt;
  return span;
}

}  // namespace

std::optional<PlanSpan> parse_plan_span(std::string_view text) {
  int count = 0;
  auto const [end, problem] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (problem != std::errc() || count < 1 || count > days_max) return std::nullopt;
  std::string_view word(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (word.starts_with(' ')) word.remove_prefix(1);
  for (Unit const& unit : units) {
    if (word == unit.singular || word == unit.plural) return times(unit.one, count);
  }
  return std::nullopt;
}

Instant end_of(PlanSpan span, Instant from) {
  auto const day = date::floor<date::days>(from);
  auto const time_of_day = from - day;
  date::year_month_day moved = date::year_month_day(day) + date::months(span.months);
  if (!moved.ok()) moved = moved.year() / moved.month() / date::last;
  return date::sys_days(moved) + date::days(span.days) + time_of_day;
}

Instant plan_limit(Instant from) { return end_of({months_max, 0}, from); }

}  // namespace rekeyd::daemon
