#pragma once
#include "policy/instant.hpp"

#include <optional>
#include <string_view>

namespace rekeyd::daemon {

/// How far ahead a plan looks: calendar months, days, or both.
struct PlanSpan {
  int months{};
  int days{};
  bool operator==(PlanSpan const&) const = default;
};

/// "12months", "1 month", "90days", "2 weeks", "2years"; nothing for anything else, for zero, and for more
/// than ten years: nobody's policies hold that long, and it bounds the work of one request.
std::optional<PlanSpan> parse_plan_span(std::string_view text);

/// The moment `span` after `from`, in UTC; a month's last day where the month is shorter.
Instant end_of(PlanSpan span, Instant from);

/// The latest moment that a plan made at `from` may reach: ten years on.
Instant plan_limit(Instant from);

}  // namespace rekeyd::daemon
