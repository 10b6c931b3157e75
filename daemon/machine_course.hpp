#pragma once
#include "daemon/stop_flag.hpp"
#include "daemon/world.hpp"
#include "providers/machine.hpp"
#include "providers/resource_controller.hpp"

#include <boost/asio/awaitable.hpp>

#include <optional>
#include <vector>

namespace rekeyd::daemon {

/// What a machine was asked for, and until when it has time.
struct MachineErrand {
  ResourceId machine;
  std::vector<providers::Power> wanted;  ///< Any of these.
  /// Once the operation is over: somebody has undone it.
  std::optional<providers::Power> undone{};
  providers::ChangeTicket ticket;  ///< Empty where nobody knows what became of the request.
  providers::Clock::Mono until;
};

/// Watches a machine until it is as wanted, as the provider's own word for the pause between two looks has
/// it. Errors: what the operation failed with; not_found, the machine is gone; conflict, time is over or
/// somebody has undone it;
/// cancelled, the daemon stops. A provider that does not answer is asked again until time is over.
boost::asio::awaitable<Result<providers::Machine>> follow_machine(World& world, StopFlag const& stop,
                                                                  providers::ResourceController& controller,
                                                                  MachineErrand errand);

}  // namespace rekeyd::daemon
