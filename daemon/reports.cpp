#include "daemon/reports.hpp"

#include "daemon/storm.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

namespace rekeyd::daemon {

namespace {

constexpr std::size_t defects_told_max = 20;

bool needs_attention(KeyStatus status) { return status != KeyStatus::ready && status != KeyStatus::observed; }

/// The entries of one key: the first may lie behind us, the rest follow from it.
void plan_key(TrackedKey const& key, AppliedPolicy const& applied, PlanReport& plan) {
  if (key.stored.versions.empty() || key.stored.gone) return;
  RootKey const& root = key.stored.key;
  for (Instant const at : due_dates_until(applied, root.ref, key.stored.versions, plan.until)) {
    PlanEntry entry;
    entry.key = root.ref;
    entry.name = root.name;
    entry.policy = applied.policy->name.str();
    entry.every_months = applied.every.count();
    entry.mode = applied.mode;
    entry.past_due = at <= plan.from;
    entry.at = at;
    entry.why =
        fmt::format("version of {} + {} month{} ({})", to_rfc3339(key.stored.versions.back().created),
                    applied.every.count(), applied.every.count() == 1 ? "" : "s", applied.place.text());
    plan.entries.push_back(std::move(entry));
    // What follows a date already missed depends on when it is made good; a plan does not guess it.
    if (plan.entries.back().past_due) return;
  }
}

}  // namespace

KeyReport report_key(World& world, Fleet const& fleet, TrackedKey const& key, BrakeFacts const& brakes) {
  RootKey const& root = key.stored.key;
  KeyReport report;
  report.key = root.ref;
  report.name = root.name;
  report.verdict = fleet.verdict(key, &brakes);
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

std::vector<ProviderReport> report_providers(World& world) {
  std::vector<ProviderReport> reports;
  for (auto const& [name, instance] : world.providers) {
    providers::ApiCounters const calls = instance->api->counters();
    ProviderReport report;
    report.name = name;
    report.kind = config::to_text(instance->kind);
    report.reachable = instance->health.reachable;
    report.last_error = instance->health.last_error;
    report.last_inventory = instance->health.last_inventory;
    report.keys = instance->health.keys;
    report.calls = calls.calls;
    report.retries = calls.retries;
    report.throttled = calls.throttled;
    report.failed = calls.failed;
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

HoldReport report_hold(Fleet const& fleet, Hold const& hold) {
  HoldReport report;
  report.name = hold.name();
  report.kind = hold.kind;
  report.scope = hold.scope.text();
  report.since = hold.placed;
  report.sentence = hold.sentence;
  report.next_try = hold.next_try;
  report.due_by_policy = due_within(fleet, hold.scope);
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
  for (Hold const& hold : brakes.holds().in_force()) report.holds.push_back(report_hold(fleet, hold));
  report.providers = report_providers(world);
  report.dek_stores = report_dek_stores(world);
  return report;
}

PlanReport report_plan(World& world, Fleet const& fleet, Instant until) {
  PlanReport plan;
  plan.from = world.clock.wall_now();
  plan.until = until;
  for (auto const& [ref, key] : fleet.keys()) {
    if (auto const* applied = std::get_if<AppliedPolicy>(&key.match)) plan_key(key, *applied, plan);
    if (std::holds_alternative<NoPolicy>(key.match)) ++plan.keys_without_policy;
    Verdict const said = fleet.verdict(key);
    if (said.status == KeyStatus::blocked || said.status == KeyStatus::unknown) {
      plan.findings.push_back(ref.text() + ": " + said.sentence);
    }
  }
  std::ranges::sort(plan.entries, {}, [](PlanEntry const& entry) { return std::tie(entry.at, entry.key); });
  return plan;
}

}  // namespace rekeyd::daemon
