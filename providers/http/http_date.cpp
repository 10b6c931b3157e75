#include "providers/http/api_client.hpp"

#include <date/date.h>

#include <algorithm>
#include <charconv>
#include <sstream>

namespace rekeyd::providers {

namespace {

constexpr std::string_view days = "SunMonTueWedThuFriSat";
constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
constexpr std::size_t fixdate_size = 29;  // "Sun, 06 Nov 1994 08:49:37 GMT"

/// Which of the names of three letters; nothing for any other word.
std::optional<unsigned> place_of(std::string_view name, std::string_view names) {
  for (std::size_t at = 0; at < names.size(); at += 3) {
    if (names.substr(at, 3) == name) return static_cast<unsigned>(at / 3);
  }
  return std::nullopt;
}

/// The form that servers must send, letter for letter: every answer has it, and a stream with its locale
/// takes a hundred times as long. Nothing for what is not quite that.
std::optional<Instant> parse_fixdate(std::string_view value) {
  bool all_digits = true;
  auto const number = [&](std::size_t at, std::size_t size) {
    unsigned digits = 0;
    for (char const c : value.substr(at, size)) {
      all_digits = all_digits && c >= '0' && c <= '9';
      digits = digits * 10 + static_cast<unsigned char>(c - '0');
    }
    return digits;
  };
  auto const weekday = place_of(value.substr(0, 3), days);
  auto const month = place_of(value.substr(8, 3), months);
  unsigned const hours = number(17, 2);
  unsigned const minutes = number(20, 2);
  unsigned const seconds = number(23, 2);
  date::day const day(number(5, 2));
  date::year const year(static_cast<int>(number(12, 4)));
  bool const separated = value.substr(3, 2) == ", " && value[7] == ' ' && value[11] == ' ' &&
                         value[16] == ' ' && value[19] == ':' && value[22] == ':';
  if (!weekday || !month || !all_digits || !separated) return std::nullopt;
  date::year_month_day const date{year, date::month(*month + 1), day};
  if (!date.ok() || hours > 23 || minutes > 59 || seconds > 59) return std::nullopt;
  date::sys_days const midnight{date};
  if (date::weekday(midnight).c_encoding() != *weekday) return std::nullopt;
  return midnight + std::chrono::hours(hours) + std::chrono::minutes(minutes) + std::chrono::seconds(seconds);
}

}  // namespace

std::optional<Instant> parse_http_date(std::string_view value) {
  if (value.size() != fixdate_size || !value.ends_with(" GMT")) return std::nullopt;
  if (auto const exact = parse_fixdate(value)) return exact;
  std::istringstream text{std::string(value)};
  text.imbue(std::locale::classic());
  Instant instant;
  text >> date::parse("%a, %d %b %Y %T GMT", instant);
  if (text.fail() || text.peek() != std::istringstream::traits_type::eof()) return std::nullopt;
  return instant;
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
