#include "providers/http/api_client.hpp"

#include <date/date.h>

#include <algorithm>
#include <charconv>

namespace rekeyd::providers {

namespace {

// As they stand in a date, three letters each.
constexpr std::string_view weekdays = "SunMonTueWedThuFriSat";
constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
constexpr std::string_view form = "???, ?? ??? ???? ??:??:?? GMT";  // '?': what varies

bool has_form(std::string_view value) {
  auto const fits = [](char there, char wanted) { return wanted == '?' || there == wanted; };
  return std::ranges::equal(value, form, fits);
}

std::optional<unsigned> place_of(std::string_view name, std::string_view names) {
  for (std::size_t at = 0; at < names.size(); at += 3) {
    if (names.substr(at, 3) == name) return static_cast<unsigned>(at / 3);
  }
  return std::nullopt;
}

// Digits and nothing else; no number of a date is as large as what stands for a mistake.
unsigned number(std::string_view digits) {
  unsigned value = 0;
  auto const [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  bool const whole = problem == std::errc() && end == digits.data() + digits.size();
  return whole ? value : 99'999;
}

}  // namespace

// By hand, since every answer has one: date::parse reads it by a stream and its locale, at ten times the
// cost.
std::optional<Instant> parse_http_date(std::string_view value) {
  if (!has_form(value)) return std::nullopt;
  auto const weekday = place_of(value.substr(0, 3), weekdays);
  auto const month = place_of(value.substr(8, 3), months);
  unsigned const year = number(value.substr(12, 4));
  unsigned const hours = number(value.substr(17, 2));
  unsigned const minutes = number(value.substr(20, 2));
  unsigned const seconds = number(value.substr(23, 2));
  if (!weekday || !month || year > 9999 || hours > 23 || minutes > 59 || seconds > 59) return std::nullopt;
  date::year_month_day const date{date::year(static_cast<int>(year)), date::month(*month + 1),
                                  date::day(number(value.substr(5, 2)))};
  if (!date.ok() || date::weekday(date::sys_days(date)).c_encoding() != *weekday) return std::nullopt;
  return date::sys_days(date) + std::chrono::hours(hours) + std::chrono::minutes(minutes) +
         std::chrono::seconds(seconds);
}

std::optional<std::chrono::seconds> parse_retry_after(std::string_view value, Instant now) {
  constexpr std::int64_t a_day = 86'400;
  std::int64_t seconds = 0;
  auto const* const end = value.data() + value.size();
  auto const [stop, problem] = std::from_chars(value.data(), end, seconds);
  if (problem == std::errc() && stop == end) {
    if (seconds < 0) return std::nullopt;
    return std::chrono::seconds(std::min(seconds, a_day));
  }
  if (problem == std::errc::result_out_of_range) return std::nullopt;
  auto const moment = parse_http_date(value);
  if (!moment) return std::nullopt;
  return std::clamp(std::chrono::seconds(*moment - now), std::chrono::seconds(0),
                    std::chrono::seconds(a_day));
}

}  // namespace rekeyd::providers
