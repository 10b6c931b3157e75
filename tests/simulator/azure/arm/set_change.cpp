#include "tests/simulator/azure/arm/set_change.hpp"

#include "tests/simulator/azure/arm/key_use.hpp"
#include "tests/simulator/message.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rekeyd::sim::azure::arm {

namespace {

KeyUser user_of(DiskEncryptionSet const& set) {
  return {"DiskEncryptionSet '" + set.name.name + "'", set.identity_type, set.key_access};
}

std::optional<Objection> refuse(unsigned status, char const* code, std::string message) {
  return Objection{status, {code, std::move(message)}};
}

/// Invented: what the service answers to a key change while a confidential VM runs is nowhere documented.
std::optional<Objection> running_machine(DiskEncryptionSet const& set, Estate& estate) {
  for (VirtualMachine const* machine : machines_of(set, estate)) {
    if (machine->ephemeral_os_disk) {
      return refuse(
          409, "OperationNotAllowed",
          fmt::format("The key of disk encryption set '{}' cannot be changed: confidential VM '{}' has an "
                      "ephemeral OS disk.",
                      set.name.name, machine->name.name));
    }
    if (machine->power != Power::deallocated) {
      return refuse(
          409, "OperationNotAllowed",
          fmt::format("The key of disk encryption set '{}' cannot be changed while confidential VM '{}' is "
                      "not deallocated.",
                      set.name.name, machine->name.name));
    }
  }
  return std::nullopt;
}

std::optional<Objection> wrong_vault(SetChange const& change, DiskEncryptionSet const& set) {
  if (change.source_vault.empty()) return std::nullopt;
  std::string const vault = lower(change.source_vault);
  if (!vault.starts_with("/subscriptions/" + set.name.subscription + "/")) {
    return refuse(
        400, "InvalidParameter",
        "The value of parameter sourceVault.id is invalid: it must be omitted when the vault is in another "
        "subscription.");
  }
  if (vault.substr(vault.rfind('/') + 1) != change.key->host.substr(0, change.key->host.find('.'))) {
    return refuse(400, "InvalidParameter", "keyUrl and sourceVault.id name different vaults.");
  }
  return std::nullopt;
}

/// How many of the machines a change that stays partial moves: about half of them, at least one.
std::size_t moved_by_partial(std::size_t machines) { return (machines + 1) / 2; }

void move(std::vector<VirtualMachine*> const& machines, KeyUrl const& key, std::size_t count) {
  for (VirtualMachine* machine : machines) {
    if (machine->key == key) continue;
    if (count-- == 0) return;
    machine->key = key;
  }
}

void go_back(Operation const& operation, DiskEncryptionSet& set) {
  set.provisioning = "Failed";
  set.active = operation.old_key;
  set.source_vault = operation.old_vault;
  set.previous.clear();
}

void stay_partial(Operation const& operation, DiskEncryptionSet& set,
                  std::vector<VirtualMachine*> const& machines) {
  --set.partial_changes;
  move(machines, set.active, moved_by_partial(machines.size()));
  if (set.partial_shape == PartialShape::previous_keys) return;  // As in the official example: "Updating".
  set.active = operation.old_key;
  set.source_vault = operation.old_vault;
  set.previous.clear();
  set.provisioning = "Succeeded";
}

}  // namespace

bool SetChange::only_tags() const {
  return !key && !follows && !encryption_type && !identity_type && !user_identities && !federated_client;
}

std::vector<VirtualMachine*> machines_of(DiskEncryptionSet const& set, Estate& estate) {
  std::vector<VirtualMachine*> machines;
  std::string const key = set.name.key();
  for (auto& [id, machine] : estate.machines) {
    if (!machine.deleted && machine.set == key) machines.push_back(&machine);
  }
  return machines;
}

std::optional<Objection> objection_to(SetChange const& change, DiskEncryptionSet const& set, Estate& estate) {
  if (!set.operation.empty()) {
    return refuse(
        409, "Conflict",
        "The request failed due to conflict with a concurrent request. To resolve it, please refer to "
        "https://aka.ms/activitylog to get more details on the conflicting requests.");
  }
  auto const machines = machines_of(set, estate);
  if (change.encryption_type && *change.encryption_type != set.encryption_type && !machines.empty()) {
    return refuse(409, "PropertyChangeNotAllowed",
                  "Changing property 'encryptionType' is not allowed while disks use the set.");
  }
  std::string const type = change.encryption_type.value_or(set.encryption_type);
  bool const confidential = type == "ConfidentialVmEncryptedWithCustomerKey";
  if (confidential && change.follows.value_or(false)) {
    return refuse(400, "InvalidParameter",
                  "rotationToLatestKeyVersionEnabled is not supported for a disk encryption set of type "
                  "'ConfidentialVmEncryptedWithCustomerKey'.");
  }
  if (!change.key) return std::nullopt;
  if (change.key->version.empty()) {
    return refuse(400, "InvalidParameter",
                  fmt::format("The value '{}' of parameter activeKey.keyUrl is invalid: it names no version.",
                              change.key->to_text()));
  }
  if (auto wrong = wrong_vault(change, set)) return wrong;
  bool const same = *change.key == set.active && set.previous.empty() && is_complete(set, estate);
  return confidential && !same ? running_machine(set, estate) : std::nullopt;
}

void apply_tags(SetChange const& change, DiskEncryptionSet& set) {
  if (change.tags) set.tags = *change.tags;
}

void begin(SetChange const& change, Operation operation, DiskEncryptionSet& set, Estate& estate,
           Settings const& settings) {
  apply_tags(change, set);
  if (change.encryption_type) set.encryption_type = *change.encryption_type;
  if (change.identity_type) set.identity_type = *change.identity_type;
  if (change.user_identities) set.user_identities = *change.user_identities;
  if (change.federated_client) set.federated_client = *change.federated_client;
  if (change.follows) set.follows = *change.follows;
  if (change.identity_type || change.follows || change.key) set.auto_rotation_error.reset();
  operation.old_key = set.active;
  operation.old_vault = set.source_vault;
  bool const made_now = set.provisioning == "Creating";
  operation.key_changes =
      change.key && (made_now || !(*change.key == set.active) || !is_complete(set, estate));
  auto const machines = static_cast<long>(machines_of(set, estate).size());
  operation.due = operation.started + settings.key_change;
  if (operation.key_changes) {
    *operation.due += machines * settings.key_change_per_machine;
    if (!(*change.key == set.active)) set.previous = {{set.active, set.source_vault}};
    if (!made_now) set.last_rotation = operation.started;
  }
  if (std::exchange(set.stuck, false)) operation.due.reset();
  if (change.key) {
    set.active = *change.key;
    set.source_vault = change.source_vault;
  }
  set.provisioning = "Updating";
  set.operation = operation.id;
  std::string const id = operation.id;
  estate.operations.insert_or_assign(id, std::move(operation));
}

void end_change(Operation& operation, Estate& estate, KeyDirectory const& keys, Instant at) {
  operation.ended = at;
  auto const found = estate.sets.find(operation.resource);
  if (found == estate.sets.end()) return;
  DiskEncryptionSet& set = found->second;
  set.operation.clear();
  if (!operation.key_changes) {
    set.provisioning = "Succeeded";
    return;
  }
  if (set.change_fault && set.failing_changes > 0) {
    --set.failing_changes;
    operation.failure = set.change_fault;
    return go_back(operation, set);
  }
  if (auto fault = version_fault(user_of(set), set.active, keys, at)) {
    operation.failure = std::move(fault);
    return go_back(operation, set);
  }
  if (auto running = set.confidential() ? running_machine(set, estate) : std::nullopt) {
    // Somebody started one meanwhile: "if any is not stopped, none gets the new key".
    operation.failure = std::move(running->fault);
    return go_back(operation, set);
  }
  auto const machines = machines_of(set, estate);
  if (set.confidential() && set.partial_changes > 0 && machines.size() > 1)
    return stay_partial(operation, set, machines);
  move(machines, set.active, machines.size());
  set.previous.clear();
  set.provisioning = "Succeeded";
}

bool is_complete(DiskEncryptionSet const& set, Estate const& estate) {
  if (!set.operation.empty() || !set.previous.empty()) return false;
  std::string const key = set.name.key();
  return std::ranges::all_of(estate.machines, [&](auto const& entry) {
    auto const& machine = entry.second;
    return machine.deleted || machine.set != key || machine.key == set.active;
  });
}

void follow(DiskEncryptionSet& set, Estate& estate, KeyDirectory const& keys, Instant at) {
  if (!set.follows || set.confidential() || set.auto_rotation_error || !set.operation.empty()) return;
  auto const current = keys.find({set.active.host, set.active.name, {}}, at);
  if (!current || lower(set.active.version) == current->version) return;
  if (set.identity_type == "None") {
    set.auto_rotation_error = Fault{
        "ManagedServiceIdentityNotFound",
        fmt::format("Auto-key rotation was disabled as managed service identity associated with "
                    "DiskEncryptionSet '{}' was not found. Please update the resource with correct identity "
                    "to re-enable auto-key rotation.",
                    set.name.name)};
    return;
  }
  auto const newest = newer_version(user_of(set), set.active, keys, at);
  if (!newest) return;
  set.active = *newest;
  set.last_rotation = at;
  auto const machines = machines_of(set, estate);
  move(machines, *newest, machines.size());
}

}  // namespace rekeyd::sim::azure::arm
