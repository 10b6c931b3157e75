#pragma once
#include "tests/simulation/run.hpp"

#include <chrono>
#include <cstdint>
#include <functional>

namespace rekeyd::simulation {

/// Seeds `base` to `base + count - 1`, spread over `processes` forked processes; `live` runs in them, `heard`
/// here, in the order in which they end. A process that dies takes one seed with it: that seed is broken, and
/// the others go on. None begins after `until`.
void live_in_processes(
    std::uint64_t base, std::uint64_t count, unsigned processes,
    std::function<Outcome(std::uint64_t seed)> const& live, std::function<void(Outcome)> const& heard,
    std::chrono::steady_clock::time_point until = std::chrono::steady_clock::time_point::max());

}  // namespace rekeyd::simulation
