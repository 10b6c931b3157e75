#pragma once
#include "daemon/machine_log.hpp"
#include "daemon/stop_flag.hpp"
#include "daemon/world.hpp"
#include "policy/quiesce_rules.hpp"
#include "policy/rotation.hpp"
#include "providers/resource_controller.hpp"

#include <boost/asio/awaitable.hpp>

#include <optional>
#include <vector>

namespace rekeyd::daemon {

/// Starts the machines that a rotation has stopped, and no other; one that does not come up holds none of the
/// others down. A machine that ran, was started or was deleted by somebody else meanwhile is left alone.
class Resumer {
 public:
  /// Rounds in which a machine did not come up; then a person has to look at it.
  static constexpr int failed_rounds_max = 6;

  Resumer(World& world, StopFlag const& stop) : world_(world), stop_(stop) {}

  boost::asio::awaitable<StepOutcome> run(Rotation rotation, QuiesceRules rules);

 private:
  struct Round;
  using Stops = std::vector<storage::MachineStop>;
  boost::asio::awaitable<std::optional<StepOutcome>> bring_back(Round& round, Stops stops);
  boost::asio::awaitable<std::optional<StepOutcome>> bring_back(Round& round, storage::MachineStop stop);
  boost::asio::awaitable<std::optional<StepOutcome>> start(Round& round, storage::MachineStop stop,
                                                           providers::ResourceController& controller);
  boost::asio::awaitable<std::optional<StepOutcome>> runs(Round& round, storage::MachineStop stop);
  boost::asio::awaitable<std::optional<StepOutcome>> over(Round& round, storage::MachineStop stop,
                                                          char const* outcome);
  boost::asio::awaitable<std::optional<StepOutcome>> does_not_run(Round& round, storage::MachineStop stop,
                                                                  Error error);

  World& world_;
  StopFlag const& stop_;
};

}  // namespace rekeyd::daemon
