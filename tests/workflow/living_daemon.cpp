#include "tests/workflow/living_daemon.hpp"

#include "config/load.hpp"
#include "daemon/material_sources.hpp"
#include "daemon/provider_instance.hpp"
#include "providers/dek/envelope_directory.hpp"
#include "storage/sqlite_store.hpp"
#include "tests/simulator/envelope.hpp"
#include "tests/simulator/world.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <utility>

namespace rekeyd::test {

namespace {

namespace fs = std::filesystem;

std::unique_ptr<sim::Cloud> cloud_of(LivingDaemon::Files const& files, Instant now) {
  auto made = files.world.empty() ? sim::make_world(files.world_text, {now, 1})
                                  : sim::load_world(files.world, {now, 1});
  if (!made)
    throw std::runtime_error("the world file has mistakes: " + sim::to_text("world", made.error().front()));
  return *std::move(made);
}

/// Credentials as systemd hands them over. One folder for the process: every test case is a process of its
/// own.
void write_credentials(TemporaryFolder const& folder) {
  constexpr std::array<std::pair<char const*, char const*>, 5> secrets{
      {{"azure-prod", "demo-azure-secret"},
       {"hsm-prod", "demo-azure-secret"},
       {"ibm-prod", "demo-ibm-prod"},
       {"ibm-dedicated", "demo-ibm-dedicated"},
       {"ibm-hpcs", "demo-ibm-hpcs"}}};
  for (auto const& [name, secret] : secrets) folder.write(fs::path("credentials") / name, secret);
  ::setenv("CREDENTIALS_DIRECTORY", (folder.path() / "credentials").c_str(), 1);
}

config::Settings settings_of(std::string const& text, fs::path const& folder) {
  auto loaded =
      config::parse_settings(text, "rekeyd.yaml", folder, [](std::string const&) { return std::nullopt; });
  if (!loaded.value) throw std::runtime_error(config::to_text(loaded.diagnostics.front()));
  loaded.value->policies = folder / "policies.d";
  loaded.value->database = folder / "rekeyd.db";
  loaded.value->control_socket.clear();
  loaded.value->auditor_group.clear();
  return *std::move(loaded.value);
}

}  // namespace

LivingDaemon::LivingDaemon(Files const& files, char const* now)
    : random_(7), now_(parse_rfc3339(now).value()) {
  write_credentials(folder_);
  write_policies(files.policies);
  cloud_ = cloud_of(files, now_);
  settings_ = settings_of(files.settings, folder_.path());
  for (config::DekStoreSettings const& store : settings_.dek_stores) fs::create_directories(store.path);
  if (!settings_.dek_stores.empty()) {
    auto written = sim::write_envelopes(settings_.dek_stores.front().path, cloud_->deks());
    if (!written) throw std::runtime_error(written.error());
  }
}

LivingDaemon::~LivingDaemon() { crash(); }

void LivingDaemon::write_policies(std::string const& text) { folder_.write("policies.d/all.yaml", text); }

void LivingDaemon::start() {
  life_ = std::make_unique<Life>();
  Life& life = *life_;
  life.clock = std::make_unique<VirtualClock>(now_);
  life.io = std::make_unique<boost::asio::io_context>(1);
  auto store = storage::open_sqlite_store({.path = settings_.database});
  if (!store) throw std::runtime_error(to_text(store.error()));
  life.store = *std::move(store);
  life.network = std::make_unique<ModelTransport>(*life.clock, *cloud_);
  life.network->machine_fast = machine_fast_;
  life.world.reset(new daemon::World{life.io->get_executor(), *life.clock, random_, *life.store, {}, {}});
  life.commands = std::make_unique<PretendedCommands>(*life.clock);
  life.commands->status = command_status;
  life.world->commands = life.commands.get();
  auto instances = daemon::make_provider_instances(settings_, *life.network, *life.clock, random_);
  if (!instances) throw std::runtime_error(to_text(instances.error()));
  life.world->providers = *std::move(instances);
  for (config::DekStoreSettings const& configured : settings_.dek_stores) {
    // On this thread: virtual time does not wait for others.
    auto deks = providers::make_envelope_directory(configured.name, configured.path, 1);
    if (!deks) throw std::runtime_error(to_text(deks.error()));
    life.world->dek_stores.push_back(*std::move(deks));
  }
  auto sources = daemon::make_material_sources(settings_, *life.clock, false);
  if (!sources) throw std::runtime_error(to_text(sources.error()));
  life.world->material_sources = *std::move(sources);
  auto made = daemon::Daemon::make(*life.world, settings_);
  if (!made) throw std::runtime_error(to_text(made.error()));
  life.daemon = *std::move(made);
  auto const started = life.daemon->start();
  if (!started) throw std::runtime_error(to_text(started.error()));
}

bool LivingDaemon::step() {
  life_->io->restart();
  return life_->io->poll_one() != 0 || life_->clock->ring_next();
}

bool LivingDaemon::run_until(std::function<bool()> const& stop, std::chrono::seconds patience) {
  Instant const end = life_->clock->wall_now() + patience;
  return test::run_until(*life_->io, *life_->clock,
                         [&] { return stop() || life_->clock->wall_now() >= end; }) &&
         stop();
}

void LivingDaemon::run_for(std::chrono::seconds span) {
  Instant const end = life_->clock->wall_now() + span;
  // Somebody to wake at the end: time jumps from sleeper to sleeper, and the daemon's next may lie far
  // beyond.
  boost::asio::co_spawn(*life_->io, life_->clock->sleep_until_or_cancelled(life_->clock->mono_now() + span),
                        boost::asio::detached);
  (void)test::run_until(*life_->io, *life_->clock, [&] { return life_->clock->wall_now() >= end; });
}

void LivingDaemon::stop() {
  run_coroutine(*life_->io, *life_->clock, life_->daemon->stop(std::chrono::seconds(60)));
  now_ = life_->clock->wall_now();
  life_.reset();
}

void LivingDaemon::crash() {
  if (!life_) return;
  now_ = life_->clock->wall_now();
  life_.reset();
}

void LivingDaemon::set_machine_clock(std::chrono::seconds by) {
  machine_fast_ += by;
  if (!life_) {
    now_ += by;
    return;
  }
  life_->network->machine_fast = machine_fast_;
  life_->clock->step_wall(by);
}

bool LivingDaemon::held(std::string const& name) {
  auto const holds = life_->daemon->status().holds;
  return std::ranges::find(holds, name, &daemon::HoldReport::name) != holds.end();
}

daemon::HoldReport LivingDaemon::hold(std::string const& name) {
  for (daemon::HoldReport const& hold : life_->daemon->status().holds) {
    if (hold.name == name) return hold;
  }
  FAIL("no hold " << name);
  return {};
}

bool LivingDaemon::settled() {
  auto const counts = life_->daemon->status().counts;
  bool const read = life_->world->providers.size() > 0 && counts.size() > 0;
  for (char const* word : {"due", "overdue", "rotating", "waiting", "unknown"}) {
    if (counts.contains(word)) return false;
  }
  return read;
}

Verdict LivingDaemon::verdict(std::string const& key) {
  for (daemon::KeyReport const& report : life_->daemon->keys()) {
    if (report.key.text() == key) return report.verdict;
  }
  FAIL("no key " << key);
  return {};
}

std::vector<storage::RecordedEvent> LivingDaemon::events(EventKind kind) {
  storage::HistoryQuery query;
  query.kind = kind;
  query.limit = 100000;
  auto found = life_->store->history(query);
  if (!found) throw std::runtime_error(to_text(found.error()));
  return *std::move(found);
}

}  // namespace rekeyd::test
