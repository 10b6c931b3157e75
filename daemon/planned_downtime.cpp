#include "daemon/planned_downtime.hpp"

#include <algorithm>
#include <map>
#include <tuple>

namespace rekeyd::daemon {

namespace {

struct Rotations {
  Instant first{};
  std::size_t count{};
};

std::map<KeyRef, Rotations> rotations_of(PlanReport const& plan) {
  std::map<KeyRef, Rotations> rotations;
  for (PlanEntry const& entry : plan.entries) {
    if (entry.mode == Mode::observe) continue;
    Rotations& of_key = rotations[entry.key];
    if (of_key.count++ == 0) of_key.first = entry.at;
  }
  return rotations;
}

}  // namespace

std::vector<DowntimeReport> planned_downtimes(World& world, Fleet const& fleet, PlanReport const& plan) {
  std::vector<DowntimeReport> downtimes;
  auto const registrations = world.store.registrations_under("");
  if (!registrations) return downtimes;  // Others tell of a store that cannot be read.
  auto const rotations = rotations_of(plan);
  for (Registration const& registration : *registrations) {
    auto const planned = rotations.find(registration.key);
    auto const key = fleet.keys().find(registration.key);
    auto const* const controller = world.resource_controller(registration.resource);
    bool const stands_still = registration.following == Following::when_told_at_rest &&
                              planned != rotations.end() && key != fleet.keys().end() &&
                              controller != nullptr;
    if (!stands_still) continue;
    auto const* const applied = std::get_if<AppliedPolicy>(&key->second.match);
    if (applied == nullptr) continue;
    QuiesceRules const& rules = applied->policy->confidential_vms;
    DowntimeReport& downtime = downtimes.emplace_back();
    downtime.key = registration.key;
    downtime.at = planned->second.first;
    downtime.rotations = planned->second.count;
    downtime.resource = registration.resource;
    std::ranges::copy_if(registration.tied, std::back_inserter(downtime.machines),
                         [&](ResourceId const& tied) { return controller->is_machine(tied); });
    downtime.stopped_by_us = rules.stop;
    downtime.longest = rules.downtime_max;
    if (auto const last = world.store.last_downtime(registration.resource)) downtime.last = *last;
  }
  std::ranges::sort(downtimes, {},
                    [](DowntimeReport const& each) { return std::tie(each.at, each.key, each.resource); });
  return downtimes;
}

}  // namespace rekeyd::daemon
