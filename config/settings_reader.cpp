#include "config/settings_reader.hpp"

#include "config/material_reader.hpp"
#include "config/name_syntax.hpp"
#include "config/provider_reader.hpp"
#include "config/settings_fields.hpp"
#include "config/unique_names.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rekeyd::config {

namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

/// systemd gives several folders separated by ':' if the unit asks for several; ours is the first.
fs::path folder_from(Environment const& environment, char const* variable, char const* otherwise) {
  auto const value = environment(variable);
  if (!value || value->empty()) return otherwise;
  return value->substr(0, value->find(':'));
}

void check_socket(fs::path const& socket, Given const& given, Findings& findings) {
  constexpr std::size_t longest = 107;  // sockaddr_un::sun_path less its NUL, unix(7).
  if (socket.native().size() <= longest) return;
  findings.error(
      given.at(), "path",
      fmt::format("the control socket's path has {} bytes; Linux allows {}", socket.native().size(), longest),
      "set 'control_socket' to a shorter path");
}

std::optional<std::string> group_of(Given const& given, Findings& findings) {
  auto name = text_of(given, findings);
  if (!name || is_group_name(*name)) return name;
  findings.error(given.at(), "name", fmt::format("{}: not the name of a group", given.label),
                 "lower-case letters, digits, '-' and '_', at most 32");
  return std::nullopt;
}

void read_inventory(Given const& given, Settings& settings, Findings& findings) {
  if (!map_of(given, findings)) return;
  FieldReader fields(given, findings);
  auto const every = duration_of(fields.optional("every"), 1min, std::chrono::days(7), findings);
  if (every) settings.inventory_every = std::chrono::ceil<std::chrono::seconds>(*every);
  fields.finish();
}

RotationSettings rotations_of(Given const& given, Findings& findings) {
  RotationSettings rotations;
  if (!map_of(given, findings)) return rotations;
  FieldReader fields(given, findings);
  assign(rotations.per_hour, whole_number_of(fields.optional("per_hour"), 1, 100'000, findings));
  assign(rotations.in_flight, whole_number_of(fields.optional("in_flight"), 1, 256, findings));
  auto const overdue = duration_of(fields.optional("overdue_after"), 1min, std::chrono::days(365), findings);
  if (overdue) rotations.overdue_after = std::chrono::ceil<std::chrono::seconds>(*overdue);
  assign(rotations.storm_warning_percent,
         whole_number_of(fields.optional("storm_warning_percent"), 1, 100, findings));
  assign(rotations.storm_hold.percent,
         whole_number_of(fields.optional("storm_hold_percent"), 1, 100, findings));
  assign(rotations.storm_hold.keys,
         whole_number_of(fields.optional("storm_hold_keys"), 1, 1'000'000, findings));
  fields.refuse("stop_after_failures", "it belongs into 'rotations' of a provider or of a policy");
  fields.finish();
  return rotations;
}

std::map<std::string, std::string> connect_to_of(Given const& given, Findings& findings) {
  std::map<std::string, std::string> routes;
  if (!map_of(given, findings)) return routes;
  FieldReader fields(given, findings);
  for (YamlField const& field : given.value->fields) {
    if (field.name.empty()) continue;
    auto const from = parse_host_port(field.name);
    if (!from) {
      findings.error(field.at, "host-port", fmt::format("'{}' is not a host and a port", field.name),
                     "write it like \"kv1.vault.azure.net:443\"");
    }
    Given const target = fields.optional(field.name);
    auto const text = text_of(target, findings);
    auto const to = text ? parse_host_port(*text) : std::nullopt;
    if (text && !to) {
      findings.error(target.at(), "host-port",
                     fmt::format("{}: expected an address and a port", target.label),
                     "write it like \"127.0.0.1:8443\"");
    }
    if (from && to) {
      routes.emplace(fmt::format("{}:{}", from->host, from->port), fmt::format("{}:{}", to->host, to->port));
    }
  }
  return routes;
}

NetworkSettings network_of(Given const& given, fs::path const& folder, Findings& findings) {
  NetworkSettings network;
  if (!map_of(given, findings)) return network;
  FieldReader fields(given, findings);
  assign(network.ca_file, path_of(fields.optional("ca_file"), folder, findings));
  network.connect_to = connect_to_of(fields.optional("connect_to"), findings);
  fields.finish();
  return network;
}

/// Folders of DEK stores, none of which may lie in another.
class StoreFolders {
 public:
  /// The store whose folder shares files with `path`, if any.
  std::optional<std::string> overlap(fs::path const& path) const {
    for (fs::path outer = path; !outer.empty(); outer = outer.parent_path()) {
      if (auto const found = folders_.find(outer); found != folders_.end()) return found->second;
      if (outer == outer.parent_path()) break;
    }
    // Paths are ordered part by part, so what lies in `path` comes right after it.
    auto const next = folders_.lower_bound(path);
    bool const inside = next != folders_.end() && std::ranges::mismatch(path, next->first).in1 == path.end();
    return inside ? std::optional(next->second) : std::nullopt;
  }
  void add(fs::path const& path, std::string name) { folders_.try_emplace(path, std::move(name)); }

 private:
  std::map<fs::path, std::string> folders_;
};

std::optional<DekStoreSettings> dek_store_of(Given const& given, fs::path const& folder, Findings& findings) {
  if (!map_of(given, findings)) return std::nullopt;
  FieldReader fields(given, findings);
  std::vector<std::string> const kinds{"envelope-directory"};
  auto const name = name_of(fields.required("name", "name: apps"), findings);
  word_index_of(fields.required("kind", "kind: envelope-directory"), kinds, findings);
  auto const path = path_of(fields.required("path", "path: deks"), folder, findings);
  fields.finish();
  if (!name || !path) return std::nullopt;
  return DekStoreSettings{DekStoreName(*name), *path};
}

std::vector<DekStoreSettings> dek_stores_of(Given const& given, fs::path const& folder, Findings& findings) {
  std::vector<DekStoreSettings> stores;
  UniqueNames names("a DEK store", findings);
  StoreFolders folders;
  for (Given item : list_of(given, findings)) {
    item.label = "a DEK store";
    auto store = dek_store_of(item, folder, findings);
    if (!store) continue;
    names.add(store->name.str(), item.at());
    if (auto const other = folders.overlap(store->path)) {
      findings.error(
          item.at(), "claimed-twice",
          fmt::format("the DEK stores '{}' and '{}' share a folder: its files would be re-wrapped twice",
                      *other, store->name.str()),
          "give each store a folder of its own");
    }
    folders.add(store->path, store->name.str());
    stores.push_back(std::move(*store));
  }
  return stores;
}

void read_paths(FieldReader& fields, Settings& settings, fs::path const& folder,
                Environment const& environment, Findings& findings) {
  settings.policies = (folder / "policies.d").lexically_normal();
  settings.database = folder_from(environment, "STATE_DIRECTORY", "/var/lib/rekeyd") / "rekeyd.db";
  settings.control_socket = folder_from(environment, "RUNTIME_DIRECTORY", "/run/rekeyd") / "control.sock";
  Given const socket = fields.optional("control_socket");
  assign(settings.policies, path_of(fields.optional("policies"), folder, findings));
  assign(settings.database, path_of(fields.optional("database"), folder, findings));
  assign(settings.control_socket, path_of(socket, folder, findings));
  check_socket(settings.control_socket, socket, findings);
}

}  // namespace

Settings read_settings(YamlValue const& root, fs::path const& folder, Environment const& environment,
                       Findings& findings) {
  Settings settings;
  Given const file = map_of({&root, "rekeyd.yaml"}, findings);
  if (!file) return settings;
  FieldReader fields(file, findings);
  if (!is_version_1(fields, findings)) return settings;
  read_paths(fields, settings, folder, environment, findings);
  assign(settings.control_group, group_of(fields.optional("control_group"), findings));
  assign(settings.auditor_group, group_of(fields.optional("auditor_group"), findings));
  read_inventory(fields.optional("inventory"), settings, findings);
  settings.rotations = rotations_of(fields.optional("rotations"), findings);
  settings.network = network_of(fields.optional("network"), folder, findings);
  settings.providers = read_providers(
      fields.required("providers", "providers: [{ name: azure-prod, kind: azure-key-vault, ... }]"),
      environment, findings);
  settings.dek_stores = dek_stores_of(fields.optional("dek_stores"), folder, findings);
  settings.material_sources = read_material_sources(fields.optional("material_sources"), folder, findings);
  fields.finish();
  return settings;
}

}  // namespace rekeyd::config
