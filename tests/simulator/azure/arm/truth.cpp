#include "tests/simulator/azure/arm/course.hpp"
#include "tests/simulator/azure/arm/json_shapes.hpp"
#include "tests/simulator/azure/arm/resource_manager.hpp"

#include <boost/json.hpp>

/// What the control host and the simulation's rules see: everything, as it is. Looking changes nothing.
namespace rekeyd::sim::azure::arm {

namespace json = boost::json;

namespace {

VmTruth truth_of(VirtualMachine const& machine, Estate const& estate, KeyDirectory const& keys, Instant now) {
  VmTruth truth;
  truth.id = machine.name.key();
  truth.power = machine.deleted ? "deleted" : to_text(machine.power);
  truth.confidential = machine.confidential();
  truth.disk_encryption_set = machine.set;
  if (!machine.set.empty()) truth.key_version = machine.key.to_text();
  truth.can_start = !machine.deleted && !key_fault(estate, machine, keys, now);
  truth.stops = machine.stops;
  return truth;
}

DesTruth truth_of(DiskEncryptionSet const& set, Estate const& estate) {
  DesTruth truth;
  truth.id = set.name.key();
  truth.encryption_type = set.encryption_type;
  truth.active_key = set.active.to_text();
  for (auto const& [key, vault] : set.previous) truth.previous_keys.push_back(key.to_text());
  truth.provisioning_state = set.provisioning;
  truth.follows = set.follows;
  truth.changing = !set.operation.empty();
  truth.complete = is_complete(set, estate);
  return truth;
}

ConsumerTruth truth_of(StorageAccount const& account) {
  return {account.name.key(), account.customer_key ? account.active.to_text() : "", {}};
}

ConsumerTruth truth_of(SqlServer const& server) {
  ConsumerTruth truth{server.name.key(), {}, {}};
  for (auto const& [name, key] : server.keys) {
    if (name == server.protector) {
      truth.key = key.key.to_text();
    } else {
      truth.kept.push_back(key.key.to_text());
    }
  }
  return truth;
}

ResourceTruth truth_of(Estate const& estate, KeyDirectory const& keys, Instant now) {
  ResourceTruth truth;
  for (auto const& [key, machine] : estate.machines)
    truth.virtual_machines.push_back(truth_of(machine, estate, keys, now));
  for (auto const& [key, set] : estate.sets) truth.disk_encryption_sets.push_back(truth_of(set, estate));
  for (auto const& [key, account] : estate.accounts) truth.consumers.push_back(truth_of(account));
  for (auto const& [key, server] : estate.servers) truth.consumers.push_back(truth_of(server));
  return truth;
}

json::object machine_state(VmTruth const& truth) {
  json::array stops;
  for (auto const& stop : truth.stops) {
    json::object entry{{"from", to_rfc3339(stop.from)}, {"by", stop.by}};
    if (stop.until) {
      entry["until"] = to_rfc3339(*stop.until);
      entry["resumed_by"] = stop.resumed_by;
    }
    stops.push_back(std::move(entry));
  }
  return {{"power", truth.power},
          {"confidential", truth.confidential},
          {"disk_encryption_set", truth.disk_encryption_set},
          {"key_version", truth.key_version},
          {"can_start", truth.can_start},
          {"stops", std::move(stops)}};
}

json::object set_state(DesTruth const& truth) {
  return {{"encryption_type", truth.encryption_type},
          {"active_key", truth.active_key},
          {"previous_keys", json::array(truth.previous_keys.begin(), truth.previous_keys.end())},
          {"provisioning_state", truth.provisioning_state},
          {"follows", truth.follows},
          {"changing", truth.changing},
          {"complete", truth.complete}};
}

json::object account_state(StorageAccount const& account) {
  if (!account.customer_key) return {{"key", nullptr}};
  return {{"key", account.active.to_text()}, {"pins_version", account.pinned}};
}

json::object server_state(SqlServer const& server) {
  json::array keys;
  for (auto const& [name, key] : server.keys) keys.emplace_back(key.key.to_text());
  auto const protector = server.keys.find(server.protector);
  return {{"protector", protector == server.keys.end() ? json::value(nullptr)
                                                       : json::value(protector->second.key.to_text())},
          {"auto_rotation", server.auto_rotation},
          {"keys", std::move(keys)}};
}

}  // namespace

ResourceTruth ResourceManager::resources_as_they_are(Instant now) const {
  if (!is_due(estate_, now)) return truth_of(estate_, *keys_, now);
  Estate then = estate_;
  advance(then, *keys_, now);
  return truth_of(then, *keys_, now);
}

json::value ResourceManager::state(Instant now) const {
  if (estate_.subscriptions.empty()) return nullptr;
  Estate then = estate_;
  advance(then, *keys_, now);
  auto const truth = truth_of(then, *keys_, now);
  json::object machines;
  for (auto const& machine : truth.virtual_machines) machines[machine.id] = machine_state(machine);
  json::object sets;
  for (auto const& set : truth.disk_encryption_sets) sets[set.id] = set_state(set);
  json::object accounts;
  for (auto const& [key, account] : then.accounts) accounts[key] = account_state(account);
  json::object servers;
  for (auto const& [key, server] : then.servers) servers[key] = server_state(server);
  json::array locks;
  for (Lock const& lock : then.locks) locks.push_back(lock_json(lock));
  return {{"service", "azure-resource-manager"},     {"virtual_machines", std::move(machines)},
          {"disk_encryption_sets", std::move(sets)}, {"storage_accounts", std::move(accounts)},
          {"sql_servers", std::move(servers)},       {"locks", std::move(locks)}};
}

void ResourceManager::grow_older(std::chrono::seconds by, Instant now) {
  advance_to(now);
  arm::grow_older(estate_, by);
  past_.clear();
  remember(now);
}

}  // namespace rekeyd::sim::azure::arm
