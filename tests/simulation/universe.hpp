#pragma once
#include "tests/simulation/happenings.hpp"
#include "tests/simulation/ready_work.hpp"
#include "tests/simulation/simulated_clock.hpp"
#include "tests/simulation/trace.hpp"
#include "tests/simulator/randomness.hpp"

#include <cstdint>
#include <functional>

namespace rekeyd::simulation {

/// A stream of chance for one purpose, drawn from the run's seed: more draws for one leave the others alone.
enum class Purpose : std::uint64_t {
  order = 1,
  network,
  fate,
  people,
  clouds,
  daemon,
  openssl,
  scenario,
  disk
};
std::uint64_t seed_for(std::uint64_t seed, Purpose purpose);

/// What one simulated world consists of besides its clouds and its daemon: chance, time, and what is to come.
struct Universe {
  Universe(std::uint64_t seed, Instant begin, bool whole_trace);

  sim::Randomness order;    ///< Which ready handler runs next.
  sim::Randomness network;  ///< How letters travel.
  sim::Randomness fate;     ///< Crashes, stops, clocks, disks.
  sim::Randomness people;
  ReadyWork ready;
  SimulatedClock clock;
  Happenings happenings;
  Trace trace;
  std::uint64_t crashes{0};
  std::uint64_t faults{0};

  providers::Clock::Mono in(providers::Clock::Mono::duration delay) const { return clock.mono_now() + delay; }
  /// Runs one of the handlers that are ready; false if none is. `poll` has the event loop hand over what else
  /// is: when nothing is ready, and now and then besides.
  bool run_ready_work(std::function<void()> const& poll);
  /// To the next sleeper, or to what is to happen before, which then happens. A host that sleeps until
  /// `host_wakes` wakes nobody sooner.
  void let_time_pass(providers::Clock::Mono host_wakes = {});
};

/// A moment's length between nothing and twice the mean of something that happens so often a year.
providers::Clock::Mono::duration until_next(sim::Randomness& chance, std::uint64_t times_a_year);
std::chrono::milliseconds between(sim::Randomness& chance, std::chrono::milliseconds least,
                                  std::chrono::milliseconds most);

}  // namespace rekeyd::simulation
