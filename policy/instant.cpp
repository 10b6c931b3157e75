#include "policy/instant.hpp"

#include <date/date.h>
#include <fmt/compile.h>

#include <algorithm>
#include <string_view>

namespace rekeyd {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Is `text` like `form`, in which 'd' stands for a digit and '?' for a sign?
bool has_form(std::string_view text, std::string_view form) {
  auto const fits = [](char there, char wanted) {
    if (wanted == 'd') return is_digit(there);
    return wanted == '?' ? there == '+' || there == '-' : there == wanted;
  };
  return std::ranges::equal(text, form, fits);
}

/// 2026-05-01T00:00:10 with its offset, without its fraction, if the text is a date in one of the offset's
/// spellings. strptime alone would take more than that: blanks, signs, numbers without their zeros.
std::optional<std::string> in_whole_seconds(std::string_view text) {
  constexpr std::string_view form = "dddd-dd-ddTdd:dd:dd";
  std::string_view const moment = text.substr(0, form.size());
  if (!has_form(moment, form)) return std::nullopt;
  std::string_view offset = text.substr(form.size());
  if (offset.starts_with('.')) {
    auto const end = std::ranges::find_if_not(offset.substr(1), is_digit);
    if (end == offset.begin() + 1) return std::nullopt;
    offset = std::string_view(end, offset.end());
  }
  if (offset != "Z" && !has_form(offset, "?dddd") && !has_form(offset, "?dd:dd")) return std::nullopt;
  return std::string(moment).append(offset);
}

}  // namespace

// date::format gives the same, by a stream and its locale: a hundred times the time, and every event has
// dates.
std::string to_rfc3339(Instant instant) {
  auto const day = date::floor<date::days>(instant);
  date::year_month_day const date{day};
  date::hh_mm_ss const time{instant - day};
  return fmt::format(FMT_COMPILE("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z"), static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     time.hours().count(), time.minutes().count(), time.seconds().count());
}

std::optional<Instant> instant_of(std::tm const& fields) {
  constexpr int first_year = 1900;
  date::year_month_day const day{date::year(first_year + fields.tm_year),
                                 date::month(static_cast<unsigned>(fields.tm_mon) + 1),
                                 date::day(static_cast<unsigned>(fields.tm_mday))};
  constexpr int last_second = 59;  // strptime reads leap seconds, too; no clock of ours has any.
  if (!day.ok() || fields.tm_sec > last_second) return std::nullopt;
  return date::sys_days(day) + std::chrono::hours(fields.tm_hour) + std::chrono::minutes(fields.tm_min) +
         std::chrono::seconds(fields.tm_sec - fields.tm_gmtoff);
}

std::optional<Instant> parse_rfc3339(std::string_view text) {
  auto const whole = in_whole_seconds(text);
  if (!whole) return std::nullopt;
  std::tm fields{};
  char const* const end = strptime(whole->c_str(), "%Y-%m-%dT%H:%M:%S%z", &fields);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return instant_of(fields);
}

}  // namespace rekeyd
