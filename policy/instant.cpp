#include "policy/instant.hpp"

#include <date/date.h>
#include <fmt/format.h>

#include <sstream>

namespace rekeyd {

namespace {

// The offset's two spellings differ by a colon; %z reads one, %Ez the other.
std::optional<Instant> parse_with(std::string const& text, char const* format) {
  std::istringstream in(text);
  // Microseconds: a provider's "never" is the year 9999, which nanoseconds in 64 bits do not reach.
  date::sys_time<std::chrono::microseconds> parsed;
  in >> date::parse(format, parsed);
  if (in.fail()) return std::nullopt;
  in.peek();
  if (!in.eof()) return std::nullopt;
  return std::chrono::floor<std::chrono::seconds>(parsed);
}

}  // namespace

// date::format gives the same, by a stream and its locale: ten times the time, and every event has dates.
std::string to_rfc3339(Instant instant) {
  auto const day = date::floor<date::days>(instant);
  date::year_month_day const date{day};
  date::hh_mm_ss const time{instant - day};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     time.hours().count(), time.minutes().count(), time.seconds().count());
}

std::optional<Instant> parse_rfc3339(std::string_view text) {
  std::string const copy(text);
  for (char const* format : {"%FT%TZ", "%FT%T%Ez", "%FT%T%z"}) {
    if (auto const parsed = parse_with(copy, format)) return parsed;
  }
  return std::nullopt;
}

}  // namespace rekeyd
