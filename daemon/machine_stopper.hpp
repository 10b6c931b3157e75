#pragma once
#include "daemon/machine_log.hpp"
#include "daemon/stop_flag.hpp"
#include "daemon/world.hpp"
#include "policy/quiesce_rules.hpp"
#include "policy/rotation.hpp"
#include "providers/resource_controller.hpp"

#include <boost/asio/awaitable.hpp>

#include <optional>

namespace rekeyd::daemon {

/// Brings single machines of one resource to rest, in one try of the step: out of service by the policy's
/// command, on record, stopped, followed until it rests. Refers to what it is made of.
class MachineStopper {
 public:
  static constexpr int stops_max = 3;  ///< Of one machine that somebody starts each time.
  static constexpr int failed_tries_max = 3;

  MachineStopper(World& world, StopFlag const& stop, providers::ResourceController& controller,
                 MachineLog& log, Rotation const& rotation, QuiesceRules const& rules)
      : world_(world), stop_(stop), controller_(controller), log_(log), rotation_(rotation), rules_(rules) {}

  /// Nothing: it rests, or is gone. May run for several machines side by side.
  boost::asio::awaitable<std::optional<StepOutcome>> bring_to_rest(providers::Machine machine);

 private:
  using Trouble = std::optional<StepOutcome>;
  boost::asio::awaitable<Trouble> note_return(providers::Machine const& machine);
  boost::asio::awaitable<Trouble> drain(providers::Machine const& machine);
  boost::asio::awaitable<Trouble> stop(storage::MachineStop stop);
  /// Without a ticket the request's answer never came.
  boost::asio::awaitable<Trouble> follow(storage::MachineStop stop,
                                         std::optional<providers::ChangeTicket> ticket,
                                         std::optional<Instant> doubt_before);
  boost::asio::awaitable<Trouble> does_not_rest(storage::MachineStop stop, Error error, bool out_of_time);
  storage::MachineStop stop_of(providers::Machine const& machine) const;

  World& world_;
  StopFlag const& stop_;
  providers::ResourceController& controller_;
  MachineLog& log_;
  Rotation const& rotation_;
  QuiesceRules const& rules_;
};

}  // namespace rekeyd::daemon
