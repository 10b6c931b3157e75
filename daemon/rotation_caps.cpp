#include "daemon/rotation_caps.hpp"

#include "policy/rotation.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace rekeyd::daemon {

namespace {

constexpr auto hour = std::chrono::hours(1);

std::array<BrakeScope, 3> scopes_of(Lane const& lane) {
  return {BrakeScope::everything(), BrakeScope::of(lane.provider), BrakeScope::of(lane.policy)};
}

/// Following a rotation by someone else, the provider too, makes no key version: it does not count.
bool makes_a_version(HistoryEvent const& opened) {
  auto const trigger = opened.details.find("trigger");
  if (trigger == opened.details.end()) return true;
  return trigger->second != to_text(Trigger::drift) && trigger->second != to_text(Trigger::delegated);
}

}  // namespace

Result<void> RotationCaps::load(storage::StoreReader& store, Instant now) {
  if (fleet_.restored_at()) forgotten_until_ = *fleet_.restored_at() + hour;
  storage::HistoryQuery query;
  query.kind = EventKind::rotation_opened;
  query.since = now - hour;
  for (;;) {
    auto const opened = store.history(query);
    if (!opened) return std::unexpected(opened.error());
    for (storage::RecordedEvent const& recorded : *opened) {
      HistoryEvent const& event = recorded.event;
      if (event.key && makes_a_version(event)) began({event.key->provider, event.policy}, event.at);
    }
    if (opened->size() < query.limit) return {};
    query.after_sequence = opened->back().sequence;
  }
}

void RotationCaps::began(Lane const& lane, Instant now) {
  for (BrakeScope const& scope : scopes_of(lane)) uses_[scope].hour.begin(now);
}

void RotationCaps::did_not_begin(Lane const& lane, Instant then) {
  for (BrakeScope const& scope : scopes_of(lane)) uses_[scope].hour.take_back(then);
}

void RotationCaps::count(Lane const& lane, int more) {
  for (BrakeScope const& scope : scopes_of(lane)) uses_[scope].in_flight += more;
}

CapUse RotationCaps::use_of(BrakeScope const& scope, RotationLimits const& limits, Instant now) {
  Use& use = uses_[scope];
  CapUse told;
  told.scope = scope;
  told.in_flight_max = limits.in_flight;
  told.in_flight = static_cast<unsigned>(std::max(0, use.in_flight));
  if (!limits.per_hour) return told;
  told.hour_free_at = use.hour.free_at(now, *limits.per_hour);
  if (forgotten_until_ && now < *forgotten_until_) {
    told.hour_free_at = std::max(told.hour_free_at.value_or(now), *forgotten_until_);
  }
  return told;
}

std::vector<CapUse> RotationCaps::uses(Lane const& lane, Instant now) {
  RotationLimits all;
  all.in_flight = settings_.rotations.in_flight;
  all.per_hour = settings_.rotations.per_hour;
  std::vector<CapUse> uses{use_of(BrakeScope::everything(), all, now)};
  auto const provider =
      std::ranges::find(settings_.providers, lane.provider, &config::ProviderSettings::name);
  if (provider != settings_.providers.end()) {
    uses.push_back(use_of(BrakeScope::of(lane.provider), provider->rotations, now));
  }
  auto const& policies = fleet_.policies().policies;
  auto const policy = std::ranges::find(policies, lane.policy, &RotationPolicy::name);
  if (policy != policies.end()) uses.push_back(use_of(BrakeScope::of(lane.policy), policy->limits, now));
  return uses;
}

}  // namespace rekeyd::daemon
