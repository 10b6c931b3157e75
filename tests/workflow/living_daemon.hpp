#pragma once
#include "config/settings.hpp"
#include "daemon/daemon.hpp"
#include "daemon/world.hpp"
#include "storage/store.hpp"
#include "tests/simulator/cloud.hpp"
#include "tests/support/pretended_commands.hpp"
#include "tests/support/run_coroutine.hpp"
#include "tests/support/seeded_random.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/workflow/model_transport.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace rekeyd::test {

/// A daemon and its clouds in one process, in virtual time. The clouds, the folder and the wall clock go on
/// when the daemon's life ends; start() begins the next life on the same state.
class LivingDaemon {
 public:
  struct Files {
    std::filesystem::path world;  ///< The clouds: a world file,
    std::string world_text;       ///< or its text, if `world` is empty.
    std::string settings;         ///< rekeyd.yaml's text.
    std::string policies;         ///< policies.d/all.yaml's text.
  };

  explicit LivingDaemon(Files const& files, char const* now = "2026-11-22T00:00:00Z");
  ~LivingDaemon();

  /// Fails the test if the daemon does not start.
  void start();
  /// Runs until `stop()`, at most for `patience` of virtual time. False when time ran out.
  bool run_until(std::function<bool()> const& stop, std::chrono::seconds patience = std::chrono::hours(12));
  void run_for(std::chrono::seconds span);
  /// Ends the life in order.
  void stop();
  /// Ends it between two handlers: whatever was under way is gone.
  void crash();
  /// Runs one handler, or lets time jump to the next sleeper; false when there is neither.
  bool step();

  void write_policies(std::string const& text);
  /// Somebody sets the machine's wall clock; the clouds' own time goes on.
  void set_machine_clock(std::chrono::seconds by);
  daemon::HoldReport hold(std::string const& name);
  bool held(std::string const& name);

  daemon::Daemon& daemon() { return *life_->daemon; }
  daemon::World& world() { return *life_->world; }
  std::filesystem::path const& database() const { return settings_.database; }
  config::Settings& settings() { return settings_; }
  storage::Store& store() { return *life_->store; }
  /// Programs that this life was asked to run; from the next life on they end with `command_status`.
  std::vector<providers::Command> const& commands() const { return life_->commands->asked; }
  int command_status{0};
  ModelTransport& network() { return *life_->network; }
  VirtualClock& clock() { return *life_->clock; }
  sim::Cloud& cloud() { return *cloud_; }
  std::filesystem::path const& folder() const { return folder_.path(); }

  /// No key is due, rotating, waiting or unknown.
  bool settled();
  Verdict verdict(std::string const& key);
  std::vector<storage::RecordedEvent> events(EventKind kind);

 private:
  // Destroyed from the last member to the first: the loop first, so that the coroutines which unwind with it
  // still find everything they refer to.
  struct Life {
    std::unique_ptr<VirtualClock> clock;
    std::unique_ptr<storage::Store> store;
    std::unique_ptr<ModelTransport> network;
    std::unique_ptr<PretendedCommands> commands;
    std::unique_ptr<daemon::World> world;
    std::unique_ptr<daemon::Daemon> daemon;
    std::unique_ptr<boost::asio::io_context> io;
  };

  void end_life();

  TemporaryFolder folder_;
  SeededRandom random_;
  std::unique_ptr<sim::Cloud> cloud_;
  config::Settings settings_;
  Instant now_;
  std::chrono::seconds machine_fast_{};
  std::unique_ptr<Life> life_;
};

}  // namespace rekeyd::test
