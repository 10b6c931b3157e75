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
  auto const whole = in_whole_seconds(text);
  if (!whole) return std::nullopt;
  for (char const* format : {"%FT%TZ", "%FT%T%Ez", "%FT%T%z"}) {
    if (auto const parsed = parse_with(*whole, format)) return parsed;
  }
  return std::nullopt;
}

}  // namespace rekeyd
