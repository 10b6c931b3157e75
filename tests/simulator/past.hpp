#pragma once
#include "policy/instant.hpp"

#include <optional>
#include <string_view>
#include <vector>

/// How a world file speaks of time gone by.
namespace rekeyd::sim {

/// Calendar months in UTC, clamped at the month's end: 31 March minus one month is 28 or 29 February.
Instant plus_months(Instant from, int months);

/// A stretch of time as a person writes it: "4 months", "1 day", "90 minutes". Months and years are calendar
/// ones.
struct Span {
  int months{0};
  std::chrono::seconds rest{0};
};
std::optional<Span> parse_span(std::string_view text);
Instant operator+(Instant from, Span const& span);
Instant operator-(Instant from, Span const& span);

/// "now", "14 months ago", "in 3 days", or an RFC 3339 moment.
std::optional<Instant> parse_moment(std::string_view text, Instant now);

/// When the `versions` of a key were made, oldest first: the first at `created`, the others `every` after the
/// one before, or evenly spread until now when `every` is not given. Nothing when one of them would lie in
/// the future.
std::optional<std::vector<Instant>> version_times(Instant created, unsigned versions,
                                                  std::optional<Span> const& every, Instant now);

}  // namespace rekeyd::sim
