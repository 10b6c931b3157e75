#include "config/rotation_interval.hpp"

#include "config/name_syntax.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace rekeyd::config {

namespace {

std::string months_text(long long count) {
  count = std::clamp(count, 1LL, 12LL);
  return fmt::format("{} {}", count, count == 1 ? "month" : "months");
}

struct Habit {
  std::string_view word;
  int months;
};
constexpr std::array habits{Habit{"monthly", 1},      Habit{"quarterly", 3}, Habit{"half-yearly", 6},
                            Habit{"semiannually", 6}, Habit{"yearly", 12},   Habit{"annually", 12}};

Complaint not_months(Quantity const& quantity) {
  std::string const unit = lower_case(quantity.unit);
  std::string const rule = "an interval is a whole number of calendar months";
  if (unit == "year" || unit == "years") {
    std::string const hint =
        quantity.count <= 1 ? "write '12 months'" : "the longest interval is '12 months'";
    return {"interval", rule + ", not years", hint};
  }
  long long days = 0;
  if (unit == "day" || unit == "days") days = quantity.count;
  if (unit == "week" || unit == "weeks") days = 7 * quantity.count;
  if (days > 0) {
    return {"interval", fmt::format("{}, not {}", rule, quantity.unit),
            fmt::format("the nearest is '{}'", months_text((days + 15) / 30))};
  }
  return {"interval", fmt::format("{}, not '{}'", rule, quantity.unit), "write it like '3 months'"};
}

}  // namespace

std::expected<Months, Complaint> parse_rotation_interval(std::string_view text) {
  for (Habit const& habit : habits) {
    if (lower_case(text) == habit.word) {
      return std::unexpected(Complaint{"interval", "an interval is a number of months",
                                       fmt::format("write '{}'", months_text(habit.months))});
    }
  }
  auto quantity = parse_quantity(text, "3 months");
  if (!quantity) {
    quantity.error().rule = "interval";
    return std::unexpected(quantity.error());
  }
  if (quantity->unit.empty()) {
    return std::unexpected(
        Complaint{"interval", "has no unit", fmt::format("write '{}'", months_text(quantity->count))});
  }
  if (quantity->unit != "month" && quantity->unit != "months") return std::unexpected(not_months(*quantity));
  auto const months = Months::of(quantity->count);
  if (!months) {
    return std::unexpected(Complaint{"interval",
                                     fmt::format("must be between 1 month and 12 months, not {}", text),
                                     fmt::format("the nearest is '{}'", months_text(quantity->count))});
  }
  if (!quantity->spaced) {
    return std::unexpected(Complaint{"interval", "needs one space between number and unit",
                                     fmt::format("write '{}'", months_text(quantity->count))});
  }
  return *months;
}

}  // namespace rekeyd::config
