#include "tests/simulation/run.hpp"

#include "tests/simulation/simulated_world.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

namespace rekeyd::simulation {

/// A life is one piece of work of an event loop, though it has a loop of its own: what runs on a thread that
/// is inside of one gets the memory of coroutines that have ended for those that begin.
Outcome live_through(Scenario const& scenario, RunOptions const& options) {
  boost::asio::io_context around(1);
  Outcome outcome;
  boost::asio::post(around, [&] {
    SimulatedWorld world(scenario, options);
    outcome = world.live();
  });
  around.run();
  return outcome;
}

}  // namespace rekeyd::simulation
