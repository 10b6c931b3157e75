#include "daemon/planned_retirement.hpp"

#include "daemon/old_versions.hpp"
#include "policy/version_budget.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace rekeyd::daemon {

namespace {

std::string budget_sentence(TrackedKey const& key, VersionBudget const& budget) {
  std::string const end =
      budget.used_up_at
          ? fmt::format("; at this cadence the rotation of {} finds no room", to_rfc3339(*budget.used_up_at))
          : std::string();
  return fmt::format(
      "{}: {} of {} versions {}, {} left{}; versions cannot be deleted: make a new key in time and move what "
      "depends on this one there",
      key.stored.key.ref.text(), budget.used, budget.most,
      budget.hard ? "are used" : "that can be backed up are used", budget.left(), end);
}

}  // namespace

std::vector<RetirementReport> planned_retirements(World& world, Fleet const& fleet, Instant until) {
  std::vector<RetirementReport> planned;
  for (auto const& [ref, key] : fleet.keys()) {
    auto const retirements = retirements_of(world, key);
    if (!retirements) continue;  // Others tell of a store that cannot be read.
    for (Retirement const& each : *retirements) {
      if (each.from <= until) planned.push_back({ref, each.version, each.by, each.from, each.held_by});
    }
  }
  std::ranges::sort(planned, {},
                    [](RetirementReport const& each) { return std::tie(each.at, each.key, each.version); });
  return planned;
}

std::vector<std::string> tight_version_budgets(World& world, Fleet const& fleet) {
  std::vector<std::string> told;
  Instant const now = world.clock.wall_now();
  for (auto const& [ref, key] : fleet.keys()) {
    ProviderInstance* const instance = world.provider(ref.provider);
    if (instance == nullptr || key.stored.gone) continue;
    auto const& can = instance->kms->capabilities(ref);
    auto const* applied = std::get_if<AppliedPolicy>(&key.match);
    auto const budget =
        version_budget(key.stored.key, key.stored.versions, applied, can.versions_max, can.versions_warning);
    if (budget && budget->tight(now)) told.push_back(budget_sentence(key, *budget));
  }
  return told;
}

std::vector<std::string> billed_versions(World& world, PlanReport const& plan) {
  std::map<ProviderName, std::size_t> made;
  for (PlanEntry const& entry : plan.entries) {
    ProviderInstance* const instance = world.provider(entry.key.provider);
    bool const billed = instance != nullptr && instance->kms->capabilities(entry.key).versions_are_billed;
    if (billed && entry.mode != Mode::observe) ++made[entry.key.provider];
  }
  std::vector<std::string> told;
  for (auto const& [provider, count] : made) {
    told.push_back(fmt::format(
        "{}: {} more key version{} in this plan; the provider bills each one for as long as its key exists",
        provider.str(), count, count == 1 ? "" : "s"));
  }
  return told;
}

}  // namespace rekeyd::daemon
