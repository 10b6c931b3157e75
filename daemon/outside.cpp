#include "daemon/outside.hpp"

#include "daemon/material_sources.hpp"
#include "providers/dek/envelope_directory.hpp"
#include "providers/http/tls_transport.hpp"
#include "providers/system/process_commands.hpp"
#include "providers/system/system_clock.hpp"
#include "providers/system/system_random.hpp"
#include "storage/sqlite_store.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include <grp.h>
#include <unistd.h>

namespace rekeyd::daemon {

namespace {

Result<gid_t> group_id(std::string const& name) {
  std::vector<char> buffer(4096);
  group entry{};
  group* found = nullptr;
  while (::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) == ERANGE) {
    buffer.resize(buffer.size() * 2);
  }
  if (found != nullptr) return entry.gr_gid;
  Error error;
  error.what = fmt::format("auditor_group: there is no group '{}'", name);
  error.remedy = "create it (systemd-sysusers does, from sysusers.d/rekeyd.conf) or leave the field out";
  return std::unexpected(std::move(error));
}

Result<std::unique_ptr<storage::Store>> open_store(config::Settings const& settings) {
  storage::OpenOptions options;
  options.path = settings.database;
  if (!settings.auditor_group.empty()) {
    Result<gid_t> const auditors = group_id(settings.auditor_group);
    if (!auditors) return std::unexpected(auditors.error());
    options.auditor_group = *auditors;
  }
  auto store = storage::open_sqlite_store(options);
  if (store && options.auditor_group) {
    auto const obstacle = storage::auditor_obstacle(options.path, *options.auditor_group);
    if (obstacle) spdlog::warn("{}", *obstacle);
  }
  return store;
}

Result<void> add_providers(config::Settings const& settings, Outside& outside) {
  auto instances = make_provider_instances(settings, *outside.transport, *outside.clock, *outside.random);
  if (!instances) return std::unexpected(instances.error());
  outside.world->providers = *std::move(instances);
  return {};
}

Result<void> add_dek_stores(config::Settings const& settings, World& world) {
  for (config::DekStoreSettings const& configured : settings.dek_stores) {
    auto store = providers::make_envelope_directory(configured.name, configured.path);
    if (!store) return std::unexpected(store.error());
    world.dek_stores.push_back(*std::move(store));
  }
  return {};
}

}  // namespace

Result<Outside> open_outside(config::Settings const& settings, boost::asio::any_io_executor const& executor) {
  Outside outside;
  outside.clock = providers::make_system_clock();
  outside.random = providers::make_system_random();
  outside.commands = providers::make_process_commands(executor, *outside.clock);

  auto store = open_store(settings);
  if (!store) return std::unexpected(store.error());
  outside.store = *std::move(store);
  outside.committing = std::make_unique<boost::asio::thread_pool>(1);

  providers::TlsTransportOptions network;
  network.ca_file = settings.network.ca_file.string();
  network.connect_to = settings.network.connect_to;
  auto transport = providers::make_tls_transport(executor, *outside.clock, network);
  if (!transport) return std::unexpected(transport.error());
  outside.transport = *std::move(transport);

  outside.world.reset(new World{executor, *outside.clock, *outside.random, *outside.store, {}, {}});
  outside.world->commands = outside.commands.get();
  outside.world->committing = outside.committing.get();
  if (auto added = add_providers(settings, outside); !added) return std::unexpected(added.error());
  if (auto added = add_dek_stores(settings, *outside.world); !added) return std::unexpected(added.error());
  auto sources = make_material_sources(settings, *outside.clock, true);
  if (!sources) return std::unexpected(sources.error());
  outside.world->material_sources = *std::move(sources);
  return outside;
}

}  // namespace rekeyd::daemon
