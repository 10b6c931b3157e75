#pragma once
#include "tests/simulation/scenario.hpp"
#include "tests/simulation/universe.hpp"

#include <functional>
#include <optional>

namespace rekeyd::simulation {

/// Crashes, stops, frozen hosts and clocks that are set, each in its own rhythm. It only says when; what it
/// means is the listeners' business.
class Fate {
 public:
  struct Listeners {
    std::function<void()> crash;
    std::function<void()> stop;
    std::function<void(std::chrono::milliseconds)> freeze;
    std::function<void(std::chrono::milliseconds)> fill_disk;
    std::function<void(std::chrono::seconds)> step_clock;  ///< To that much ahead of true time, or behind.
  };

  Fate(Universe& universe, FateChances const& chances, Listeners listeners)
      : universe_(universe), chances_(chances), listeners_(std::move(listeners)) {}
  void begin();
  void rest() { resting_ = true; }
  /// After a handler of a daemon that has work in hand.
  bool crashes_now() { return !resting_ && universe_.fate.chance(chances_.crash_at_work); }
  /// The same: half of the clock's jumps wait for such a moment.
  void at_work();
  std::chrono::milliseconds time_down();
  /// After so many operations of a new life its disk dies; nothing: it does not.
  std::optional<std::uint64_t> disk_death();
  /// A crash takes the power with it, or only the process.
  bool takes_power() { return universe_.fate.below(2) == 0; }

 private:
  std::chrono::seconds clock_jump();
  void often(std::uint64_t times_a_year, std::function<void()> what);
  Universe& universe_;
  FateChances chances_;
  Listeners listeners_;
  bool resting_{false};
  bool jump_waits_for_work_{false};
};

}  // namespace rekeyd::simulation
