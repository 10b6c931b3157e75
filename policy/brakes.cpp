#include "policy/brakes.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rekeyd {

namespace {

constexpr std::chrono::seconds probe_delay_min = std::chrono::minutes(15);
constexpr unsigned probe_doublings_max = 4;
constexpr std::chrono::seconds probe_delay_max = probe_delay_min * (1 << probe_doublings_max);

std::string of(BrakeScope const& scope) {
  return scope.kind == BrakeScope::Kind::everything ? "" : " of " + scope.text();
}

/// No probe is put off for longer than the longest delay: a later moment was named by a clock that was ahead.
bool probe_is_due(Hold const& hold, Instant now) {
  if (hold.kind != HoldKind::circuit_open || !hold.next_try) return false;
  return *hold.next_try <= now || *hold.next_try > now + probe_delay_max + clock_tolerance;
}

std::optional<Braked> by_hold(BrakeFacts const& facts, Instant now) {
  Hold const* first = nullptr;
  for (Hold const& hold : facts.holds) {
    bool const may_probe = probe_is_due(hold, now);
    if (!may_probe && (first == nullptr || hold.kind < first->kind)) first = &hold;
  }
  if (first == nullptr) return std::nullopt;
  return Braked{
      .waits_for = WaitsFor::hold,
      .reason = to_text(first->kind),
      .sentence = fmt::format("{}; `rekeyctl release {}` lets it go", first->sentence, first->name()),
      .next_try = first->next_try};
}

std::optional<Braked> by_unchecked_clock(BrakeFacts const& facts) {
  if (facts.clock_checked) return std::nullopt;
  return Braked{.waits_for = WaitsFor::provider_answer,
                .reason = "clock_unchecked",
                .sentence = "the provider has not yet told its time, against which the machine's is checked",
                .next_try = std::nullopt};
}

std::optional<Braked> by_hour(BrakeFacts const& facts, Instant now) {
  CapUse const* last = nullptr;
  for (CapUse const& cap : facts.caps) {
    if (!cap.hour_free_at || *cap.hour_free_at <= now) continue;
    if (last == nullptr || *cap.hour_free_at > *last->hour_free_at) last = &cap;
  }
  if (last == nullptr) return std::nullopt;
  return Braked{
      .waits_for = WaitsFor::quota,
      .reason = "rotations_per_hour",
      .sentence = fmt::format("the cap of rotations per hour{} is used up; this key is next in its order",
                              of(last->scope)),
      .next_try = last->hour_free_at};
}

std::optional<Braked> by_places(BrakeFacts const& facts) {
  for (CapUse const& cap : facts.caps) {
    if (!cap.in_flight_max || cap.in_flight < *cap.in_flight_max) continue;
    return Braked{.waits_for = WaitsFor::quota,
                  .reason = "rotations_in_flight",
                  .sentence = fmt::format("as many rotations{} are under way as may be at once ({})",
                                          of(cap.scope), *cap.in_flight_max),
                  .next_try = std::nullopt};
  }
  return std::nullopt;
}

}  // namespace

std::optional<Braked> braked(BrakeFacts const& facts, Instant now) {
  if (auto said = by_hold(facts, now)) return said;
  if (auto said = by_unchecked_clock(facts)) return said;
  if (auto said = by_hour(facts, now)) return said;
  return by_places(facts);
}

bool in_flight_full(BrakeFacts const& facts) { return by_places(facts).has_value(); }

bool counts_as_failure(ErrorClass error_class, bool version_made) {
  switch (error_class) {
    case ErrorClass::transient:
    case ErrorClass::access:
    case ErrorClass::malformed:
      return true;
    case ErrorClass::conflict:
    case ErrorClass::not_found:
    case ErrorClass::permanent:
      return version_made;
    case ErrorClass::storage:
    case ErrorClass::cancelled:
      return false;
  }
  return true;
}

std::chrono::seconds probe_delay(unsigned failed_probes) {
  return probe_delay_min * (1 << std::min(failed_probes, probe_doublings_max));
}

bool is_storm(std::size_t newly_due, std::size_t fleet, StormLimit limit) {
  return newly_due >= limit.keys && newly_due * 100 > fleet * limit.percent;
}

bool clocks_disagree(std::chrono::seconds difference, std::chrono::seconds uncertainty) {
  return std::chrono::abs(difference) > clock_tolerance + uncertainty;
}

}  // namespace rekeyd
