#pragma once
#include "daemon/arrivals.hpp"
#include "daemon/circuit_breakers.hpp"
#include "daemon/clock_watch.hpp"
#include "daemon/holds.hpp"
#include "daemon/rotation_caps.hpp"
#include "policy/brakes.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace rekeyd::daemon {

/// Everything that keeps scheduled rotations from beginning although keys are due, in one place: what the
/// scheduler asks before it opens one, and what a person looks at and lets go. policy/brakes.hpp decides;
/// here the facts come together.
class Brakes {
 public:
  /// All referenced objects outlive it.
  Brakes(World& world, Fleet& fleet, config::Settings const& settings);

  /// Reads back what earlier lives have left. Call once, before anything is recorded.
  Result<void> load();

  /// The facts for one lane, now.
  BrakeFacts facts(Lane const& lane);
  std::optional<Braked> braked(Lane const& lane);
  bool in_flight_full(Lane const& lane);

  /// A rotation has begun by schedule, or because a person asked for it.
  void began_by_schedule(Rotation const& rotation);
  /// One that began by schedule could not be put on record: it never was.
  void did_not_begin(Rotation const& rotation);
  void began_on_request(Lane const& lane);

  /// A person lets go the hold of that name, or all of them if it is empty. Returns what was let go.
  /// not_found, with what was perhaps meant.
  Result<std::vector<Hold>> release(std::string const& name, std::string const& caller,
                                    std::string const& reason);

  /// May the wall clock be wrong, as far as this provider's keys go? It has not told its time yet, or a hold
  /// of the clock stands.
  bool clock_in_doubt(ProviderName const& provider);

  Holds& holds() { return holds_; }
  ClockWatch& clock() { return clock_; }
  Arrivals& arrivals() { return arrivals_; }
  RotationCaps& caps() { return caps_; }
  CircuitBreakers& breakers() { return breakers_; }

 private:
  World& world_;
  Holds holds_;
  ClockWatch clock_;
  Arrivals arrivals_;
  RotationCaps caps_;
  CircuitBreakers breakers_;
};

/// Facts of the lanes that one report is about, each gathered once.
class BrakesOfLanes {
 public:
  explicit BrakesOfLanes(Brakes& brakes) : brakes_(brakes) {}
  /// Valid as long as this.
  BrakeFacts const& of(TrackedKey const& key);

 private:
  Brakes& brakes_;
  std::map<Lane, BrakeFacts> known_;
};

}  // namespace rekeyd::daemon
