#include "tests/simulation/universe.hpp"

#include <algorithm>

namespace rekeyd::simulation {

// The finaliser of SplitMix64: neighbouring seeds get unlike streams.
std::uint64_t seed_for(std::uint64_t seed, Purpose purpose) {
  std::uint64_t z = seed * 16 + static_cast<std::uint64_t>(purpose) + 0x9e3779b97f4a7c15ULL;
  z = (z ^ z >> 30U) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ z >> 27U) * 0x94d049bb133111ebULL;
  return z ^ z >> 31U;
}

Universe::Universe(std::uint64_t seed, Instant begin, bool whole_trace)
    : order(seed_for(seed, Purpose::order)),
      network(seed_for(seed, Purpose::network)),
      fate(seed_for(seed, Purpose::fate)),
      people(seed_for(seed, Purpose::people)),
      ready(order),
      clock(begin, ready),
      trace(clock, whole_trace) {}

bool Universe::run_ready_work(std::function<void()> const& poll) {
  constexpr std::uint64_t looks_at_timers = 8;
  if (ready.empty() || order.below(looks_at_timers) == 0) poll();
  if (ready.empty()) return false;
  ready.run_one();
  trace.count_handler();
  return true;
}

void Universe::let_time_pass(providers::Clock::Mono host_wakes) {
  constexpr auto never = providers::Clock::Mono::max();
  auto const next = happenings.next().value_or(never);
  bool const asleep = clock.mono_now() < host_wakes;
  auto const waking = asleep ? host_wakes : clock.next_waking().value_or(never);
  clock.advance_to(std::min(next, waking));
  if (next <= waking) happenings.run_next();
}

providers::Clock::Mono::duration until_next(sim::Randomness& chance, std::uint64_t times_a_year) {
  constexpr std::uint64_t year_ms = 365ULL * 24 * 3600 * 1000;
  std::uint64_t const mean = year_ms / std::max<std::uint64_t>(times_a_year, 1);
  return std::chrono::milliseconds(chance.below(2 * mean) + 1);
}

std::chrono::milliseconds between(sim::Randomness& chance, std::chrono::milliseconds least,
                                  std::chrono::milliseconds most) {
  auto const span = static_cast<std::uint64_t>(std::max<std::int64_t>((most - least).count(), 0));
  return least + std::chrono::milliseconds(chance.below(span + 1));
}

}  // namespace rekeyd::simulation
