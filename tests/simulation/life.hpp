#pragma once
#include "daemon/daemon.hpp"
#include "daemon/world.hpp"
#include "tests/simulation/network.hpp"
#include "tests/simulation/ready_work.hpp"
#include "tests/simulation/universe.hpp"
#include "tests/simulation/watched_deks.hpp"
#include "tests/simulation/watched_store.hpp"
#include "tests/support/pretended_commands.hpp"

#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <memory>

namespace rekeyd::simulation {

/// One life of the daemon, from its start to its end or its crash: what a process holds. Destroying it is the
/// crash: whatever was under way is gone.
class Life {
 public:
  struct Parts {
    Universe& universe;
    Network& network;
    config::Settings const& settings;
    providers::Random& random;
    std::uint64_t number{};
    std::string vfs;
    WatchedStore::Watcher on_commit;
    WatchedDeks::Watcher on_deks;
  };

  /// The error that kept it from starting; then nothing of it is left.
  static Result<std::unique_ptr<Life>> begin(Parts parts);
  ~Life();

  daemon::Daemon& daemon() { return *daemon_; }
  daemon::World& world() { return *world_; }
  std::uint64_t number() const { return number_; }

  /// Lets asio's timers put what has become ready into the universe's ready work.
  void poll();
  /// Tells it to end in order; ended() follows.
  void stop();
  bool ended() const { return ended_; }

 private:
  /// Lets go of the work that its services hold before it lets go of the services: frames that unwind still
  /// need them.
  class Loop final : public boost::asio::io_context {
   public:
    Loop() : io_context(1) {}
    void abandon_work() { shutdown(); }
  };

  explicit Life(Parts const& parts);
  Result<void> start(Parts& parts);

  Universe& universe_;
  Network& network_;
  std::uint64_t number_;
  bool stopping_{false};
  bool ended_{false};
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<NetworkTransport> transport_;
  std::unique_ptr<test::PretendedCommands> commands_;
  std::unique_ptr<daemon::World> world_;
  std::unique_ptr<daemon::Daemon> daemon_;
  std::unique_ptr<Loop> io_;
};

}  // namespace rekeyd::simulation
