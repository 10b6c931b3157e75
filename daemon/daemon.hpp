#pragma once
#include "config/settings.hpp"
#include "daemon/brakes.hpp"
#include "daemon/control/routes.hpp"
#include "daemon/control/server.hpp"
#include "daemon/control/service.hpp"
#include "daemon/fleet.hpp"
#include "daemon/inventory.hpp"
#include "daemon/policies_in_force.hpp"
#include "daemon/resource_watch.hpp"
#include "daemon/rotator.hpp"
#include "daemon/scheduler.hpp"
#include "daemon/service_manager.hpp"
#include "daemon/stop_flag.hpp"
#include "daemon/task_group.hpp"
#include "daemon/upkeep.hpp"
#include "daemon/world.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace rekeyd::daemon {

/// The daemon's whole life: start order, work, stop order. Everything it touches comes in with the World, so
/// that a test or a simulation can be its outside.
class Daemon final : public ControlService {
 public:
  /// Reads the store. Error: it cannot be read, and the daemon must not run. `world` and `settings` outlive
  /// it.
  static Result<std::unique_ptr<Daemon>> make(World& world, config::Settings const& settings);

  /// Starts everything and returns; without a control socket if the settings name none. Error: the control
  /// socket cannot be had, or the start cannot be recorded.
  Result<void> start();
  /// Ends at the next step's edge, everything recorded; steps that take longer than `patience` are cancelled
  /// and settled in the next life.
  boost::asio::awaitable<void> stop(std::chrono::seconds patience);

  Instant now() override { return world_.clock.wall_now(); }
  StatusReport status() override;
  std::vector<KeyReport> keys() override;
  Result<std::vector<ResourceReport>> resources() override;
  PlanReport plan(Instant until) override;
  Result<Rotation> rotation(RotationId id) override;
  Result<RotateAnswer> rotate(RotateRequest request, std::string caller, unsigned uid) override;
  Result<RotateAnswer> replace(ReplaceRequest request, std::string caller) override;
  Result<ReloadAnswer> reload(std::string caller) override;
  Result<void> retry(RotationId id, std::string caller) override;
  Result<void> abandon(RotationId id, AbandonRequest request, std::string caller) override;
  Result<ReleaseAnswer> release(ReleaseRequest request, std::string caller) override;

  /// "30 keys: 28 ready, 2 rotating; next due 2026-12-01T00:00:00Z": one line for the service manager.
  std::string one_line();

 private:
  Daemon(World& world, config::Settings const& settings);
  void connect();
  Result<void> listen();
  void start_inventories();
  void start_resource_watches();
  void start_upkeep();
  void clock_was_set();
  void tell_status();
  Result<TrackedKey*> find_rotation(RotationId const& id);
  Result<void> record_life(EventKind kind, std::string const& sentence);
  boost::asio::awaitable<void> feed_watchdog(std::chrono::microseconds interval);

  World& world_;
  config::Settings const& settings_;
  Instant started_;
  StopFlag stop_;
  ServiceManager service_manager_;
  std::uint64_t told_changes_{};  ///< Fleet::changes() when the status line was last told.
  Fleet fleet_;
  Brakes brakes_;
  Rotator rotator_;
  PoliciesInForce policies_;
  Scheduler scheduler_;
  std::vector<std::unique_ptr<Inventory>> inventories_;
  std::vector<std::unique_ptr<ResourceWatch>> resource_watches_;
  std::map<ProviderName, std::unique_ptr<Upkeep>> upkeep_;
  ControlRoutes routes_;
  std::unique_ptr<ControlServer> control_;
  TaskGroup looking_;   ///< Inventories and the watchdog: may be cancelled at any moment.
  TaskGroup rotating_;  ///< The scheduler: ends at a step's edge.
};

}  // namespace rekeyd::daemon
