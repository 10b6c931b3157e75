#include "config/upkeep_rules_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace rekeyd::config {

namespace {

using namespace std::chrono_literals;

std::optional<ExpiryMonths> expiry_of(Given const& given, Findings& findings) {
  auto const text = text_of(given, findings);
  if (!text) return std::nullopt;
  auto const quantity = parse_quantity(*text, "18 months");
  if (!quantity) {
    report(given, quantity.error(), findings);
    return std::nullopt;
  }
  bool const in_months = quantity->unit == "months" && quantity->spaced;
  auto const months = in_months ? ExpiryMonths::of(quantity->count) : std::nullopt;
  if (!months) {
    report(given,
           {"expiry", fmt::format("must be between 2 months and 60 months, not {}", *text),
            "write it like '18 months'"},
           findings);
  }
  return months;
}

std::optional<RetireRules> retire_of(Given const& given, Findings& findings) {
  if (!map_of(given, findings)) return std::nullopt;
  FieldReader fields(given, findings);
  RetireRules rules;
  auto const after = duration_of(fields.required("after", "after: 90 days"), std::chrono::days(1),
                                 std::chrono::days(3650), findings);
  auto const by = word_of<RetireBy>(fields.required("by", "by: expiry"), findings);
  fields.finish();
  if (!after || !by) return std::nullopt;
  rules.after = std::chrono::floor<std::chrono::days>(*after);
  if (rules.after != *after) {
    findings.error(given.at(), "retire", "'after' is a number of whole days", "after: 90 days");
  }
  rules.by = *by;
  return rules;
}

Months longest_interval(RotationPolicy const& policy) {
  Months longest = policy.every;
  for (KeyOverride const& exception : policy.keys) {
    if (exception.every) longest = std::max(longest, *exception.every);
  }
  return longest;
}

}  // namespace

UpkeepRules upkeep_rules_of(FieldReader& policy, Findings& findings) {
  UpkeepRules rules;
  rules.versions_expire_after = expiry_of(policy.optional("versions_expire_after"), findings);
  rules.retire = retire_of(policy.optional("retire"), findings);
  assign(rules.tag_rotations, truth_of(policy.optional("tag_rotations"), findings));
  return rules;
}

void check_upkeep(RotationPolicy const& policy, Position at, Findings& findings) {
  auto const expiry = policy.upkeep.versions_expire_after;
  int const longest = longest_interval(policy).count();
  // Machines do not start, and databases stop, under a key that has expired before its next version came.
  if (expiry && expiry->count() <= longest) {
    findings.error(at, "expiry",
                   fmt::format("key versions would expire after {} months, and a new one comes only after {}",
                               expiry->count(), longest),
                   fmt::format("versions_expire_after: {} months, or longer", std::min(longest * 2, 60)));
  }
  if (policy.upkeep.retire && policy.mode == Mode::observe) {
    findings.warning(at, "retire", "'retire' does nothing in mode observe",
                     "take it out, or let rekeyd rotate: mode: enforce");
  }
}

}  // namespace rekeyd::config
