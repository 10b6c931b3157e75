#include "config/duration.hpp"

#include "config/near_word.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

namespace rekeyd::config {

namespace {

using std::chrono::milliseconds;

struct Unit {
  std::string_view one, many;
  milliseconds length;
};

constexpr std::array units{
    Unit{"day", "days", std::chrono::days(1)},
    Unit{"hour", "hours", std::chrono::hours(1)},
    Unit{"minute", "minutes", std::chrono::minutes(1)},
    Unit{"second", "seconds", std::chrono::seconds(1)},
    Unit{"ms", "ms", milliseconds(1)},
};

Complaint unknown_unit(Quantity const& quantity) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> short_forms{
      {{"s", "seconds"}, {"h", "hours"}, {"d", "days"}, {"min", "minutes"}}};
  std::vector<std::string> candidates;
  for (Unit const& unit : units) candidates.emplace_back(unit.many);
  std::string hint = did_you_mean(quantity.unit, candidates);
  for (auto const& [form, word] : short_forms) {
    if (quantity.unit == form) hint = fmt::format("write '{} {}'", quantity.count, word);
  }
  if (hint.empty()) hint = "units are days, hours, minutes, seconds and ms";
  return {"duration", fmt::format("'{}' is not a unit of time", quantity.unit), hint};
}

}  // namespace

std::expected<Quantity, Complaint> parse_quantity(std::string_view text, std::string_view example) {
  auto const hint = fmt::format("write it like '{}'", example);
  auto const digits = std::min(text.find_first_not_of("0123456789"), text.size());
  if (digits == 0) return std::unexpected(Complaint{"duration", "does not begin with a whole number", hint});
  if (digits > 9) return std::unexpected(Complaint{"duration", "is a number out of all reason", hint});
  Quantity quantity;
  std::from_chars(text.data(), text.data() + digits, quantity.count);
  auto const word = std::min(text.find_first_not_of(' ', digits), text.size());
  quantity.unit = text.substr(word);
  quantity.spaced = word - digits == 1;
  bool const letters = std::ranges::all_of(
      quantity.unit, [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); });
  if (!letters) return std::unexpected(Complaint{"duration", "is not one whole number and one unit", hint});
  return quantity;
}

std::expected<milliseconds, Complaint> parse_duration(std::string_view text) {
  auto const quantity = parse_quantity(text, "30 seconds");
  if (!quantity) return std::unexpected(quantity.error());
  if (quantity->unit.empty()) {
    return std::unexpected(Complaint{"duration", "has no unit",
                                     fmt::format("write '{} seconds', or minutes, hours, days", text)});
  }
  auto const unit = std::ranges::find_if(
      units, [&](Unit const& u) { return quantity->unit == u.one || quantity->unit == u.many; });
  if (unit == units.end()) return std::unexpected(unknown_unit(*quantity));
  if (!quantity->spaced) {
    return std::unexpected(Complaint{"duration", "needs one space between number and unit",
                                     fmt::format("write '{} {}'", quantity->count, quantity->unit)});
  }
  return milliseconds(quantity->count * unit->length.count());
}

std::string duration_text(milliseconds duration) {
  if (duration.count() == 0) return "0 seconds";
  for (Unit const& unit : units) {
    if (duration.count() % unit.length.count() != 0) continue;
    auto const count = duration.count() / unit.length.count();
    return fmt::format("{} {}", count, count == 1 ? unit.one : unit.many);
  }
  return fmt::format("{} ms", duration.count());
}

}  // namespace rekeyd::config
