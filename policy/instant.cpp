#include "policy/instant.hpp"

#include <date/date.h>
#include <fmt/format.h>

#include <algorithm>
#include <sstream>
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
/// spellings. The library only gets what has this form: its behaviour is undefined for some texts that have
/// not.
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

/// The digits' number. Precondition: has_form.
int number(std::string_view digits) {
  int value = 0;
  for (char const digit : digits) value = value * 10 + (digit - '0');
  return value;
}

/// The moment that a text shows, its offset aside, if there is such a moment. An inventory reads a date or
/// two of every key version, and a stream with its locale takes a hundred times as long. Precondition: begins
/// with the form dddd-dd-ddTdd:dd:dd.
std::optional<Instant> parse_shown(std::string_view text) {
  auto const part = [text](std::size_t at, std::size_t size) { return number(text.substr(at, size)); };
  date::year_month_day const day{date::year(part(0, 4)), date::month(static_cast<unsigned>(part(5, 2))),
                                 date::day(static_cast<unsigned>(part(8, 2)))};
  int const hours = part(11, 2);
  int const minutes = part(14, 2);
  int const seconds = part(17, 2);
  if (!day.ok() || hours > 23 || minutes > 59 || seconds > 59) return std::nullopt;
  return date::sys_days(day) + std::chrono::hours(hours) + std::chrono::minutes(minutes) +
         std::chrono::seconds(seconds);
}

void put(std::string& text, std::size_t at, std::size_t digits, int value) {
  for (std::size_t i = at + digits; i > at; value /= 10) text[--i] = static_cast<char>('0' + value % 10);
}

// The offset's two spellings differ by a colon; %z reads one, %Ez the other.
std::optional<Instant> parse_with(std::string const& text, char const* format) {
  std::istringstream in(text);
  Instant parsed;
  in >> date::parse(format, parsed);
  if (in.fail()) return std::nullopt;
  in.peek();
  if (!in.eof()) return std::nullopt;
  return parsed;
}

}  // namespace

// date::format gives the same, by a stream and its locale: a hundred times the time, and every event has
// dates.
std::string to_rfc3339(Instant instant) {
  auto const day = date::floor<date::days>(instant);
  date::year_month_day const date{day};
  date::hh_mm_ss const time{instant - day};
  int const year = static_cast<int>(date.year());
  int const hours = static_cast<int>(time.hours().count());
  int const minutes = static_cast<int>(time.minutes().count());
  int const seconds = static_cast<int>(time.seconds().count());
  int const month = static_cast<int>(static_cast<unsigned>(date.month()));
  int const of_month = static_cast<int>(static_cast<unsigned>(date.day()));
  if (year < 0 || year > 9999) {  // No date of RFC 3339, but what somebody has sent is told as it is.
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", year, month, of_month, hours, minutes,
                       seconds);
  }
  std::string text = "0000-00-00T00:00:00Z";
  put(text, 0, 4, year);
  put(text, 5, 2, month);
  put(text, 8, 2, of_month);
  put(text, 11, 2, hours);
  put(text, 14, 2, minutes);
  put(text, 17, 2, seconds);
  return text;
}

std::optional<Instant> parse_rfc3339(std::string_view text) {
  auto const whole = in_whole_seconds(text);
  if (!whole) return std::nullopt;
  auto const shown = parse_shown(*whole);
  if (!shown || whole->ends_with('Z')) return shown;
  std::string_view const offset = std::string_view(*whole).substr(19);
  int const hours = number(offset.substr(1, 2));
  int const minutes = number(offset.substr(offset.size() - 2));
  if (hours <= 23 && minutes <= 59) {
    auto const ahead = std::chrono::hours(hours) + std::chrono::minutes(minutes);
    return offset.front() == '-' ? *shown + ahead : *shown - ahead;
  }
  for (char const* format : {"%FT%T%Ez", "%FT%T%z"}) {
    if (auto const parsed = parse_with(*whole, format)) return parsed;
  }
  return std::nullopt;
}

}  // namespace rekeyd
