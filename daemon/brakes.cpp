#include "daemon/brakes.hpp"

#include "config/near_word.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rekeyd::daemon {

namespace {

Error no_such_hold(std::string const& name, std::vector<Hold> const& holds) {
  std::vector<std::string> names;
  for (Hold const& hold : holds) names.push_back(hold.name());
  Error error;
  error.error_class = ErrorClass::not_found;
  error.delivery = Delivery::not_sent;
  error.code = "no_such_hold";
  error.what = fmt::format("no hold '{}' is in force", name);
  error.remedy = config::did_you_mean(name, names);
  if (error.remedy.empty()) {
    error.remedy = names.empty() ? "nothing is held" : fmt::format("in force: {}", fmt::join(names, ", "));
  }
  return error;
}

}  // namespace

Brakes::Brakes(World& world, Fleet& fleet, config::Settings const& settings)
    : world_(world),
      holds_(world),
      clock_(world, holds_),
      arrivals_(world, fleet, holds_, settings.rotations.storm_hold),
      caps_(fleet, settings),
      breakers_(world, fleet, holds_, settings) {}

Result<void> Brakes::load() {
  if (auto loaded = holds_.load(); !loaded) return loaded;
  if (auto loaded = caps_.load(world_.store, world_.clock.wall_now()); !loaded) return loaded;
  if (auto loaded = breakers_.load(); !loaded) return loaded;
  return clock_.compare_with_history();
}

BrakeFacts Brakes::facts(Lane const& lane) {
  return {.holds = holds_.covering(lane.provider, lane.policy),
          .clock_checked = clock_.checked(lane.provider),
          .caps = caps_.uses(lane, world_.clock.wall_now())};
}

std::optional<Braked> Brakes::braked(Lane const& lane) {
  return rekeyd::braked(facts(lane), world_.clock.wall_now());
}

bool Brakes::in_flight_full(Lane const& lane) { return rekeyd::in_flight_full(facts(lane)); }

bool Brakes::clock_in_doubt(ProviderName const& provider) {
  clock_.look();
  auto const of_the_clock = [](Hold const& hold) {
    return hold.kind == HoldKind::clock_stepped || hold.kind == HoldKind::clock_disagrees;
  };
  return !clock_.checked(provider) || std::ranges::any_of(holds_.covering(provider, {}), of_the_clock);
}

void Brakes::began_by_schedule(Rotation const& rotation) {
  caps_.began({rotation.key.provider, rotation.policy}, rotation.opened);
  breakers_.began(rotation.key, rotation.policy, rotation.id);
}

void Brakes::did_not_begin(Rotation const& rotation) {
  caps_.did_not_begin({rotation.key.provider, rotation.policy}, rotation.opened);
  breakers_.did_not_begin(rotation.key, rotation.policy, rotation.id);
}

void Brakes::began_on_request(Lane const& lane) { caps_.began(lane, world_.clock.wall_now()); }

Result<std::vector<Hold>> Brakes::release(std::string const& name, std::string const& caller,
                                          std::string const& reason) {
  clock_.look();  // whoever has just set the clock right lets go what that brings about
  std::vector<Hold> chosen;
  for (Hold const& hold : holds_.in_force()) {
    if (name.empty() || hold.name() == name) chosen.push_back(hold);
  }
  if (chosen.empty() && !name.empty()) return std::unexpected(no_such_hold(name, holds_.in_force()));
  if (chosen.empty()) return chosen;
  for (Hold& hold : chosen) {
    if (is_of_clock(hold.kind)) hold.accepted_offset = clock_.difference(hold.scope);
  }
  if (auto const released = holds_.release(chosen, caller, reason); !released) {
    return std::unexpected(released.error());
  }
  for (Hold const& hold : chosen) {
    if (hold.kind == HoldKind::circuit_open) breakers_.forget(hold.scope);
  }
  return chosen;
}

BrakeFacts const& BrakesOfLanes::of(TrackedKey const& key) {
  Lane const lane = Fleet::lane_of(key);
  auto const found = known_.find(lane);
  if (found != known_.end()) return found->second;
  return known_.emplace(lane, brakes_.facts(lane)).first->second;
}

}  // namespace rekeyd::daemon
