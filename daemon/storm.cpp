#include "daemon/storm.hpp"

#include "policy/due.hpp"

#include <fmt/format.h>

#include <charconv>

namespace rekeyd::daemon {

namespace {

/// The narrowest scope that holds all of it.
BrakeScope scope_of(Storm const& storm) {
  if (storm.by_policy.size() == 1) return BrakeScope::of(PolicyName(storm.by_policy.begin()->first));
  if (storm.by_provider.size() == 1) return BrakeScope::of(ProviderName(storm.by_provider.begin()->first));
  return BrakeScope::everything();
}

bool can_rotate(TrackedKey const& key) {
  return !key.stored.versions.empty() && !key.stored.gone && !key.rotation && !key.stored.replaced;
}

std::size_t due_before(Hold const& hold) {
  std::size_t count = 0;
  if (auto const found = hold.details.find("due_before"); found != hold.details.end()) {
    std::from_chars(found->second.data(), found->second.data() + found->second.size(), count);
  }
  return count;
}

}  // namespace

bool is_due_at_its_provider(TrackedKey const& key, PolicyMatch const& match, Instant now) {
  auto const* applied = std::get_if<AppliedPolicy>(&match);
  bool const left = applied != nullptr && applied->mode == Mode::delegate && can_rotate(key);
  return left && calendar_due_at(*applied, key.stored.key.ref, key.stored.versions) <= now;
}

bool is_due(TrackedKey const& key, PolicyMatch const& match, Instant now) {
  auto const* applied = std::get_if<AppliedPolicy>(&match);
  if (applied != nullptr && applied->mode == Mode::delegate) return is_due_at_its_provider(key, match, now);
  if (applied == nullptr || applied->mode != Mode::enforce || !can_rotate(key)) return false;
  return due_at(*applied, key.stored.key, key.stored.versions) <= now;
}

void Storm::add(TrackedKey const& key, AppliedPolicy const& applied) {
  ++newly_due;
  ++by_policy[applied.policy->name.str()];
  ++by_provider[key.stored.key.ref.provider.str()];
}

std::optional<Hold> hold_of(Storm const& storm, StormLimit limit, std::string const& cause) {
  if (!is_storm(storm.newly_due, storm.fleet, limit)) return std::nullopt;
  Hold hold;
  hold.kind = HoldKind::too_many_due;
  hold.scope = scope_of(storm);
  hold.sentence = fmt::format("{} makes {} of {} keys due at once", cause, storm.newly_due, storm.fleet);
  hold.details["newly_due"] = std::to_string(storm.newly_due);
  hold.details["keys_known"] = std::to_string(storm.fleet);
  hold.details["due_before"] = std::to_string(storm.due_before);
  std::string& by_policy = hold.details["by_policy"];
  for (auto const& [policy, count] : storm.by_policy) {
    by_policy += fmt::format("{}{} {}", by_policy.empty() ? "" : ", ", policy, count);
  }
  return hold;
}

std::map<std::string, std::size_t> due_within(Fleet const& fleet, BrakeScope const& scope, Instant now) {
  std::map<std::string, std::size_t> due;
  for (auto const& [ref, key] : fleet.keys()) {
    auto const* applied = std::get_if<AppliedPolicy>(&key.match);
    if (applied == nullptr || !scope.covers(ref.provider, applied->policy->name)) continue;
    bool const due_there = is_due_at_its_provider(key, key.match, now);
    if (due_there || may_begin(fleet.verdict(key))) ++due[applied->policy->name.str()];
  }
  return due;
}

void let_go_storms_taken_back(Fleet const& fleet, Holds& holds, Instant now) {
  std::vector<Hold> const in_force = holds.in_force();
  for (Hold const& hold : in_force) {
    if (hold.kind != HoldKind::too_many_due) continue;
    std::size_t due = 0;
    for (auto const& [policy, count] : due_within(fleet, hold.scope, now)) due += count;
    if (due <= due_before(hold)) {
      holds.let_go(hold.kind, hold.scope, "another edit has taken it back: no more keys are due than before");
    }
  }
}

}  // namespace rekeyd::daemon
