#include "providers/http/api_client.hpp"

#include <date/date.h>

#include <algorithm>
#include <charconv>
#include <string>

namespace rekeyd::providers {

std::optional<Instant> parse_http_date(std::string_view value) {
  constexpr std::size_t fixdate_size = 29;  // "Sun, 06 Nov 1994 08:49:37 GMT"
  if (value.size() != fixdate_size || !value.ends_with(" GMT")) return std::nullopt;
  std::string const text(value);
  std::tm fields{};
  char const* const end = strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &fields);
  if (end == nullptr || *end != '\0') return std::nullopt;
  auto const instant = instant_of(fields);
  if (!instant) return std::nullopt;
  date::weekday const day(date::floor<date::days>(*instant));
  return day.c_encoding() == static_cast<unsigned>(fields.tm_wday) ? instant : std::nullopt;
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
