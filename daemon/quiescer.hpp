#pragma once
#include "daemon/machine_log.hpp"
#include "daemon/machine_stopper.hpp"
#include "daemon/stop_flag.hpp"
#include "daemon/world.hpp"
#include "policy/quiesce_rules.hpp"
#include "policy/rotation.hpp"
#include "providers/resource_controller.hpp"

#include <boost/asio/awaitable.hpp>

#include <optional>
#include <vector>

namespace rekeyd::daemon {

/// Brings the machines of a resource to rest for its change of key: those that run, in the policy's order and
/// bounds, each on record before it is stopped. What its provider shows counts, never what we remember.
class Quiescer {
 public:
  Quiescer(World& world, StopFlag const& stop) : world_(world), stop_(stop) {}

  /// What would keep these resources' machines from resting or from coming back: known before the key is
  /// rotated. Nothing: nothing is known to.
  boost::asio::awaitable<std::optional<StepOutcome>> hindered(std::vector<Registration> resources,
                                                              QuiesceRules rules);
  /// Does nothing run on the resource?
  boost::asio::awaitable<Result<bool>> at_rest(ResourceId resource);
  /// StepDone: everything on `rotation.at_rest` stands still.
  boost::asio::awaitable<StepOutcome> run(Rotation rotation, QuiesceRules rules);
  /// How a step ends once that time is over.
  static StepBlocked downtime_over(Rotation const& rotation, QuiesceRules const& rules);

 private:
  using Machines = std::vector<providers::Machine>;
  boost::asio::awaitable<std::optional<StepOutcome>> forbidden(providers::ResourceController& controller,
                                                               ResourceId resource, Machines running);
  boost::asio::awaitable<std::optional<StepOutcome>> note_rest(MachineLog& log, Machines machines);
  boost::asio::awaitable<std::optional<StepOutcome>> bring_to_rest(MachineStopper& stopper,
                                                                   QuiesceRules const& rules,
                                                                   Machines running);

  World& world_;
  StopFlag const& stop_;
};

}  // namespace rekeyd::daemon
