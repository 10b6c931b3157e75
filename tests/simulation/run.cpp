#include "tests/simulation/run.hpp"

#include "tests/simulation/simulated_world.hpp"

namespace rekeyd::simulation {

Outcome live_through(Scenario const& scenario, RunOptions const& options) {
  SimulatedWorld world(scenario, options);
  return world.live();
}

}  // namespace rekeyd::simulation
