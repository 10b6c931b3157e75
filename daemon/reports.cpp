#include "daemon/reports.hpp"

#include "daemon/material_drawing.hpp"
#include "daemon/planned_downtime.hpp"
#include "daemon/planned_retirement.hpp"
#include "daemon/policy_coverage.hpp"
#include "daemon/storm.hpp"
#include "policy/provider_rotation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <tuple>
#include <utility>

namespace rekeyd::daemon {

namespace {

constexpr std::size_t defects_told_max = 20;

bool needs_attention(KeyStatus status) { return status != KeyStatus::ready && status != KeyStatus::observed; }

std::string months_words(int count) { return fmt::format("{} month{}", count, count == 1 ? "" : "s"); }

/// How the `number`th date of a key comes about; `calendar` is the date before the spread.
std::string why(TrackedKey const& key, AppliedPolicy const& applied, std::size_t number, Instant calendar,
                Instant at) {
  std::string const times = number == 1 ? "" : fmt::format("{} x ", number);
  std::string const spread = at == calendar ? "" : fmt::format(" + {} s of spread", (at - calendar).count());
  return fmt::format("version of {} + {}{}{} ({})", to_rfc3339(key.stored.versions.back().created), times,
                     months_words(applied.every.count()), spread, applied.place.text());
}

/// The same under `mode: delegate`: the provider counts from each version anew.
std::string provider_why(TrackedKey const& key, AppliedPolicy const& applied, std::size_t number) {
  std::string const place = applied.place.text();
  if (!rotates_itself(key.stored.key)) {
    return fmt::format("once the provider has been told to rotate it every {} ({})",
                       months_words(applied.every.count()), place);
  }
  std::string const& interval = key.stored.key.provider_rotation->interval;
  if (number > 1) return fmt::format("by the provider, {} after that ({})", interval, place);
  Instant const calendar = calendar_due_at(applied, key.stored.key.ref, key.stored.versions);
  return fmt::format("version of {} + {}, by the provider within {} hours; our calendar says {} ({})",
                     to_rfc3339(key.stored.versions.back().created), interval, provider_tolerance.count(),
                     to_rfc3339(calendar), place);
}

/// Does a date of this key lead to anything, or would it at least be watched? The findings tell why not.
bool has_dates(TrackedKey const& key, Verdict const& said) {
  if (key.stored.versions.empty() || said.status == KeyStatus::blocked) return false;
  return said.status != KeyStatus::observed || said.reason == "mode_observe";
}

/// Each policy without its spread: what the calendar alone says.
using Unspread = std::map<RotationPolicy const*, RotationPolicy>;

Unspread without_spread(PolicySet const& policies) {
  Unspread all;
  for (RotationPolicy const& policy : policies.policies) {
    all.emplace(&policy, policy).first->second.spread = std::chrono::seconds(0);
  }
  return all;
}

/// The entries of one key: the first may lie behind us, the rest follow from it.
void plan_key(TrackedKey const& key, AppliedPolicy const& applied, Unspread const& unspread, bool imported,
              PlanReport& plan) {
  RootKey const& root = key.stored.key;
  AppliedPolicy by_calendar = applied;
  by_calendar.policy = &unspread.at(applied.policy);
  auto const dates = due_dates_until(applied, root, key.stored.versions, plan.until);
  auto const calendar = due_dates_until(by_calendar, root, key.stored.versions, plan.until);
  for (std::size_t i = 0; i < dates.size(); ++i) {
    PlanEntry entry;
    entry.key = root.ref;
    entry.name = root.name;
    entry.policy = applied.policy->name.str();
    entry.every_months = applied.every.count();
    entry.mode = applied.mode;
    entry.past_due = dates[i] <= plan.from;
    entry.at = dates[i];
    entry.why = applied.mode == Mode::delegate ? provider_why(key, applied, i + 1)
                                               : why(key, applied, i + 1, calendar[i], dates[i]);
    if (imported) entry.why += ", with material from " + applied.material.str();
    plan.entries.push_back(std::move(entry));
    // What follows a date already missed depends on when it is made good; a plan does not guess it.
    if (plan.entries.back().past_due) return;
  }
}

/// Since when the key is what `said` says, where that is no date of its own: a key is ready since it has its
/// current version, and what follows from the policies alone holds since they are in force.
std::optional<Instant> since_of(Verdict const& said, TrackedKey const& key, Fleet const& fleet) {
  if (said.since) return said.since;
  if (said.status == KeyStatus::ready) return key.stored.key.current_created;
  if (said.reason == "gone") return key.stored.last_seen;
  if (said.status == KeyStatus::observed || said.status == KeyStatus::blocked) {
    if (said.reason == "destroyed") return std::nullopt;
    return std::max(key.stored.first_seen, fleet.policies_since());
  }
  return std::nullopt;
}

}  // namespace

KeyReport report_key(World& world, Fleet const& fleet, TrackedKey const& key, BrakeFacts const& brakes) {
  RootKey const& root = key.stored.key;
  KeyReport report;
  report.key = root.ref;
  report.name = root.name;
  report.verdict = fleet.verdict(key, &brakes);
  report.verdict.since = since_of(report.verdict, key, fleet);
  if (auto const* applied = std::get_if<AppliedPolicy>(&key.match)) {
    report.policy = applied->policy->name.str();
    report.every_months = applied->every.count();
  }
  report.state = root.state;
  report.type = root.type;
  report.origin = root.origin;
  report.tags = root.tags;
  report.current_version = root.current;
  report.current_created = root.current_created;
  report.versions = key.stored.versions.size();
  if (rotates_itself(root)) report.provider_rotation = root.provider_rotation->interval;
  if (ProviderInstance const* instance = world.provider(root.ref.provider)) {
    report.provider_kind = config::to_text(instance->kind);
    report.versions_max = instance->kms->capabilities(root.ref).versions_max;
  }
  report.rotation = key.rotation;
  return report;
}

std::vector<KeyReport> report_keys(World& world, Fleet const& fleet, Brakes& brakes) {
  BrakesOfLanes facts(brakes);
  std::vector<KeyReport> reports;
  reports.reserve(fleet.keys().size());
  for (auto const& [ref, key] : fleet.keys()) {
    reports.push_back(report_key(world, fleet, key, facts.of(key)));
  }
  return reports;
}

namespace {

CallReport report_calls(providers::ApiClient const& client) {
  providers::ApiCounters const counters = client.counters();
  auto const waited = std::chrono::duration_cast<std::chrono::seconds>(counters.waited);
  return {.calls = counters.calls,
          .retries = counters.retries,
          .throttled = counters.throttled,
          .failed = counters.failed,
          .waiting = counters.waiting,
          .waited_s = static_cast<std::uint64_t>(waited.count())};
}

}  // namespace

std::vector<ProviderReport> report_providers(World& world) {
  std::vector<ProviderReport> reports;
  for (auto const& [name, instance] : world.providers) {
    ProviderReport report;
    report.name = name;
    report.kind = config::to_text(instance->kind);
    report.reachable = instance->health.reachable;
    report.last_error = instance->health.last_error;
    report.last_inventory = instance->health.last_inventory;
    report.keys = instance->health.keys;
    report.calls = report_calls(*instance->api);
    if (instance->resource_api) report.resource_calls = report_calls(*instance->resource_api);
    if (auto const reading = instance->api->last_date()) {
      report.clock_offset_s = providers::clock_offset(*reading, world.clock).count();
    }
    reports.push_back(std::move(report));
  }
  return reports;
}

std::vector<DekStoreReport> report_dek_stores(World& world) {
  std::vector<DekStoreReport> reports;
  for (auto const& store : world.dek_stores) {
    DekStoreReport report;
    report.name = store->name();
    std::vector<providers::DekDefect> const defects = store->defects();
    report.defects_total = defects.size();
    for (std::size_t i = 0; i < std::min(defects.size(), defects_told_max); ++i) {
      report.defects.push_back(defects[i].place + ": " + defects[i].what);
    }
    reports.push_back(std::move(report));
  }
  return reports;
}

HoldReport report_hold(World& world, Fleet const& fleet, Hold const& hold) {
  HoldReport report;
  report.name = hold.name();
  report.kind = hold.kind;
  report.scope = hold.scope.text();
  report.since = hold.placed;
  report.sentence = hold.sentence;
  report.next_try = hold.next_try;
  report.due_by_policy = due_within(fleet, hold.scope, world.clock.wall_now());
  report.details = hold.details;
  return report;
}

StatusReport report_status(World& world, Fleet const& fleet, Brakes& brakes) {
  BrakesOfLanes facts(brakes);
  StatusReport report;
  report.now = world.clock.wall_now();
  report.policies = fleet.policies().policies.size();
  report.policy_digest = fleet.policies().digest;
  for (auto const& [ref, key] : fleet.keys()) {
    Verdict const said = fleet.verdict(key, &facts.of(key));
    ++report.counts[to_text(said.status)];
    bool const ahead = said.status == KeyStatus::ready && said.due;
    if (ahead && (!report.next_due || *said.due < *report.next_due)) report.next_due = said.due;
    if (needs_attention(said.status))
      report.attention.push_back(report_key(world, fleet, key, facts.of(key)));
  }
  for (Hold const& hold : brakes.holds().in_force()) report.holds.push_back(report_hold(world, fleet, hold));
  report.providers = report_providers(world);
  report.dek_stores = report_dek_stores(world);
  report.warnings = unused_exceptions(world, fleet);
  std::ranges::move(two_rotators(fleet), std::back_inserter(report.warnings));
  std::ranges::move(tight_version_budgets(world, fleet), std::back_inserter(report.warnings));
  return report;
}

PlanReport report_plan(World& world, Fleet const& fleet, Instant until) {
  PlanReport plan;
  plan.from = world.clock.wall_now();
  plan.until = until;
  MaterialDrawing const material(world);
  Unspread const unspread = without_spread(fleet.policies());
  for (auto const& [ref, key] : fleet.keys()) {
    Verdict const said = fleet.verdict(key);
    auto const* applied = std::get_if<AppliedPolicy>(&key.match);
    if (applied != nullptr && has_dates(key, said)) {
      plan_key(key, *applied, unspread, material.needs_material(key), plan);
    }
    if (said.reason == "no_policy") ++plan.keys_without_policy;
    if (said.status == KeyStatus::blocked || said.status == KeyStatus::unknown) {
      plan.findings.push_back(ref.text() + ": " + said.sentence);
    }
  }
  std::ranges::move(unused_exceptions(world, fleet), std::back_inserter(plan.findings));
  std::ranges::move(unused_policies(world, fleet), std::back_inserter(plan.findings));
  std::ranges::sort(plan.entries, {}, [](PlanEntry const& entry) { return std::tie(entry.at, entry.key); });
  plan.downtimes = planned_downtimes(world, fleet, plan);
  plan.retirements = planned_retirements(world, fleet, until);
  std::ranges::move(tight_version_budgets(world, fleet), std::back_inserter(plan.findings));
  std::ranges::move(billed_versions(world, plan), std::back_inserter(plan.findings));
  return plan;
}

}  // namespace rekeyd::daemon
