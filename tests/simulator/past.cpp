#include "tests/simulator/past.hpp"

#include <date/date.h>

#include <charconv>
#include <map>
#include <string>

namespace rekeyd::sim {

namespace {

std::optional<Span> unit_span(std::string_view unit) {
  using std::chrono::seconds;
  static std::map<std::string_view, Span> const units{
      {"second", {0, seconds(1)}},  {"minute", {0, seconds(60)}},   {"hour", {0, seconds(3600)}},
      {"day", {0, seconds(86400)}}, {"week", {0, seconds(604800)}}, {"month", {1, seconds(0)}},
      {"year", {12, seconds(0)}}};
  if (unit.ends_with('s')) unit.remove_suffix(1);
  auto const found = units.find(unit);
  if (found == units.end()) return std::nullopt;
  return found->second;
}

}  // namespace

Instant plus_months(Instant from, int months) {
  auto const day = date::floor<date::days>(from);
  date::year_month_day const ymd(day);
  date::year_month const month = ymd.year() / ymd.month() + date::months(months);
  date::year_month_day target = month / ymd.day();
  if (!target.ok()) target = month / date::last;
  return date::sys_days(target) + (from - day);
}

std::optional<Span> parse_span(std::string_view text) {
  unsigned count = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || count > 100'000) return std::nullopt;
  auto unit = text.substr(static_cast<std::size_t>(end - text.data()));
  while (unit.starts_with(' ')) unit.remove_prefix(1);
  auto span = unit_span(unit);
  if (!span) return std::nullopt;
  span->months *= static_cast<int>(count);
  span->rest *= count;
  return span;
}

Instant operator+(Instant from, Span const& span) { return plus_months(from, span.months) + span.rest; }
Instant operator-(Instant from, Span const& span) { return plus_months(from, -span.months) - span.rest; }

std::optional<Instant> parse_moment(std::string_view text, Instant now) {
  if (text == "now") return now;
  if (text.ends_with(" ago")) {
    auto const span = parse_span(text.substr(0, text.size() - 4));
    if (!span) return std::nullopt;
    return now - *span;
  }
  if (text.starts_with("in ")) {
    auto const span = parse_span(text.substr(3));
    if (!span) return std::nullopt;
    return now + *span;
  }
  return parse_rfc3339(text);
}

std::optional<std::vector<Instant>> version_times(Instant created, unsigned versions,
                                                  std::optional<Span> const& every, Instant now) {
  std::vector<Instant> times;
  for (unsigned i = 0; i < versions; ++i) {
    auto made = created + (now - created) / versions * i;
    if (every) made = created + Span{every->months * static_cast<int>(i), every->rest * i};
    if (made > now) return std::nullopt;
    times.push_back(made);
  }
  return times;
}

}  // namespace rekeyd::sim
