#include "tests/simulation/life.hpp"

#include "daemon/material_sources.hpp"
#include "providers/dek/envelope_directory.hpp"
#include "storage/sqlite_store.hpp"

#include <boost/asio/co_spawn.hpp>

#include <utility>

namespace rekeyd::simulation {

namespace asio = boost::asio;

Result<std::unique_ptr<Life>> Life::begin(Parts parts) {
  std::unique_ptr<Life> life(new Life(parts));
  if (auto const started = life->start(parts); !started) return std::unexpected(started.error());
  return life;
}

Life::Life(Parts const& parts)
    : universe_(parts.universe),
      network_(parts.network),
      number_(parts.number),
      transport_(std::make_unique<NetworkTransport>(parts.network, parts.number)),
      io_(std::make_unique<Loop>()) {}

Result<void> Life::start(Parts& parts) {
  auto opened = storage::open_sqlite_store({.path = parts.settings.database, .vfs = parts.vfs});
  if (!opened) return std::unexpected(opened.error());
  store_ = std::make_unique<WatchedStore>(*std::move(opened), std::move(parts.on_commit));
  ShuffledExecutor const executor(universe_.ready, *io_);
  world_.reset(new daemon::World{executor, universe_.clock, parts.random, *store_, {}, {}});
  commands_ = std::make_unique<test::PretendedCommands>(universe_.clock);
  world_->commands = commands_.get();
  auto instances =
      daemon::make_provider_instances(parts.settings, *transport_, universe_.clock, parts.random);
  if (!instances) return std::unexpected(instances.error());
  world_->providers = *std::move(instances);
  for (config::DekStoreSettings const& configured : parts.settings.dek_stores) {
    // One at a time: the simulated disk knows one thread, and several would come in no order.
    auto deks = providers::make_envelope_directory(configured.name, configured.path, 1);
    if (!deks) return std::unexpected(deks.error());
    world_->dek_stores.push_back(std::make_unique<WatchedDeks>(*std::move(deks), parts.on_deks));
  }
  auto sources = daemon::make_material_sources(parts.settings, universe_.clock, false);
  if (!sources) return std::unexpected(sources.error());
  world_->material_sources = *std::move(sources);
  auto made = daemon::Daemon::make(*world_, parts.settings);
  if (!made) return std::unexpected(made.error());
  daemon_ = *std::move(made);
  return daemon_->start();
}

Life::~Life() {
  // First all that is under way, and only then what the coroutines refer to while they unwind.
  auto const drop = [this] {
    do {
      universe_.ready.clear();
      universe_.clock.drop_sleepers();
      network_.drop_waiting();
    } while (!universe_.ready.empty());
  };
  drop();
  io_->abandon_work();
  drop();
}

void Life::poll() {
  io_->restart();
  io_->poll();
}

void Life::stop() {
  constexpr auto patience = std::chrono::seconds(60);
  if (std::exchange(stopping_, true)) return;
  asio::co_spawn(world_->executor, daemon_->stop(patience),
                 [this](std::exception_ptr const&) { ended_ = true; });
}

}  // namespace rekeyd::simulation
