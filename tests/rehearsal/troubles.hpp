#pragma once
#include "tests/simulation/network.hpp"
#include "tests/simulation/scenario.hpp"
#include "tests/simulator/faults.hpp"

#include <optional>
#include <string_view>
#include <vector>

namespace rekeyd::rehearsal {

/// How much goes wrong in a rehearsal. The figures are in troubles.cpp and docs/rehearsing.md.
enum class Faults {
  none,
  usual,    ///< What clouds, networks and hosts do in an ordinary year.
  hostile,  ///< As much of it as the project's own simulation puts the daemon through.
};

char const* to_text(Faults faults);
std::optional<Faults> parse_faults(std::string_view word);

struct Troubles {
  simulation::NetworkChances network;
  simulation::FateChances fate;
  std::vector<sim::FaultRule> clouds;
};
Troubles troubles_of(Faults faults);

}  // namespace rekeyd::rehearsal
