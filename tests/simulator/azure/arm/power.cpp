#include "tests/simulator/azure/arm/power.hpp"

#include <fmt/format.h>

namespace rekeyd::sim::azure::arm {

namespace {

/// An already stopped or started machine is done with at once.
constexpr std::chrono::seconds nothing_to_do{1};

bool is_up(Power power) { return power == Power::running || power == Power::starting; }

/// Whether it is this that stops it.
bool note_stop(VirtualMachine& machine, std::string const& by, Instant at) {
  if (!machine.stops.empty() && !machine.stops.back().until) return false;
  machine.stops.push_back({at, by, std::nullopt, {}});
  return true;
}

std::optional<Instant> end_of(Operation const& operation, VirtualMachine const& machine,
                              Settings const& settings) {
  bool const up = machine.power == Power::running;
  bool const off = machine.power == Power::deallocated;
  switch (operation.act) {
    case Act::start:
      if (machine.troubles.stuck_in_starting && !up) return std::nullopt;
      return operation.started + (up ? nothing_to_do : settings.start);
    case Act::deallocate:
      if (machine.troubles.stuck_in_deallocating && !off) return std::nullopt;
      return operation.started + (off ? nothing_to_do : settings.deallocate);
    case Act::power_off:
      return operation.started +
             (off || machine.power == Power::stopped ? nothing_to_do : settings.power_off);
    case Act::change_set:
    case Act::put_sql_key:
    case Act::set_protector:
      break;
  }
  return operation.started;
}

void cut_short(std::string const& id, Estate& estate, Instant at) {
  auto const found = estate.operations.find(id);
  if (found == estate.operations.end()) return;
  found->second.ended = at;
  found->second.canceled = true;
  found->second.failure =
      Fault{"OperationPreempted", "The current operation was preempted by a more recent operation."};
}

void come_up(Operation& operation, VirtualMachine& machine, std::optional<Fault> fault, Instant at) {
  if (machine.power == Power::running) return;
  if (!fault && machine.troubles.start && machine.troubles.starts > 0) {
    --machine.troubles.starts;
    fault = machine.troubles.start;
  }
  machine.failure = operation.failure = fault;
  machine.power = fault ? operation.before : Power::running;
  if (fault || machine.stops.empty() || machine.stops.back().until) return;
  machine.stops.back().until = at;
  machine.stops.back().resumed_by = operation.by;
}

void go_down(Operation& operation, VirtualMachine& machine) {
  auto& troubles = machine.troubles;
  if (troubles.deallocate && troubles.deallocations > 0 && machine.power != Power::deallocated) {
    --troubles.deallocations;
    machine.failure = operation.failure = troubles.deallocate;
    machine.power = operation.before;
    if (operation.stops) machine.stops.pop_back();
    return;
  }
  machine.power = Power::deallocated;
  if (operation.hibernates) machine.hibernated = true;
  machine.failure.reset();
}

}  // namespace

std::optional<Fault> key_fault(Estate const& estate, VirtualMachine const& machine, KeyDirectory const& keys,
                               Instant at) {
  if (machine.set.empty()) return std::nullopt;
  auto const set = estate.sets.find(machine.set);
  if (set != estate.sets.end() && set->second.identity_type == "None") {
    return Fault{
        "KeyVaultAccessTokenCannotBeAcquired",
        fmt::format("The identity of disk encryption set '{}' was not found.", set->second.name.name)};
  }
  if (set != estate.sets.end() && !set->second.key_access) {
    return Fault{"KeyVaultAccessForbidden",
                 fmt::format("Access to key '{}' was denied.", machine.key.to_text())};
  }
  auto const facts = keys.find(machine.key, at);
  if (!facts)
    return Fault{"KeyVaultKeyNotFound", fmt::format("Key '{}' was not found.", machine.key.to_text())};
  if (!facts->enabled)
    return Fault{"KeyVaultKeyNotEnabled", fmt::format("Key '{}' is disabled.", machine.key.to_text())};
  if (!facts->in_time(at))
    return Fault{"KeyVaultKeyExpired", fmt::format("Key is expired: '{}'.", machine.key.to_text())};
  if (machine.confidential() && (!facts->releasable || !facts->hsm)) {
    return Fault{
        "KeyVaultSecureKeyReleaseFailed",
        fmt::format("Key '{}' cannot be released to a confidential virtual machine.", machine.key.to_text())};
  }
  return std::nullopt;
}

std::optional<Objection> objection_to(Act act, VirtualMachine const& machine, Estate const& estate) {
  // Documented: a machine with an ephemeral OS disk cannot be stopped and deallocated.
  if (act == Act::deallocate && machine.ephemeral_os_disk) {
    return Objection{409,
                     {"OperationNotAllowed",
                      fmt::format("Operation 'deallocate' is not supported for VM '{}' since it uses an "
                                  "ephemeral OS disk.",
                                  machine.name.name)}};
  }
  auto const running = estate.operations.find(machine.operation);
  bool const cuts_in =
      act == Act::deallocate && running != estate.operations.end() && running->second.act == Act::start;
  if (!machine.operation.empty() && !cuts_in) {
    return Objection{
        409,
        {"Conflict",
         "The request failed due to conflict with a concurrent request. To resolve it, please "
         "refer to https://aka.ms/activitylog to get more details on the conflicting requests."}};
  }
  return std::nullopt;
}

void begin(Operation operation, VirtualMachine& machine, Estate& estate, Settings const& settings) {
  cut_short(machine.operation, estate, operation.started);
  operation.due = end_of(operation, machine, settings);
  operation.before = machine.power == Power::starting ? Power::deallocated : machine.power;
  if (operation.act == Act::start) {
    machine.troubles.stuck_in_starting = false;
    machine.hibernated = false;
    if (machine.power != Power::running) machine.power = Power::starting;
  } else {
    operation.stops = is_up(machine.power) && note_stop(machine, operation.by, operation.started);
    bool const off = machine.power == Power::deallocated;
    if (operation.act == Act::deallocate) machine.troubles.stuck_in_deallocating = false;
    if (operation.act == Act::deallocate && !off) machine.power = Power::deallocating;
    if (operation.act == Act::power_off && is_up(machine.power)) machine.power = Power::stopping;
  }
  machine.operation = operation.id;
  std::string const id = operation.id;
  estate.operations.insert_or_assign(id, std::move(operation));
}

void end_power(Operation& operation, Estate& estate, KeyDirectory const& keys, Instant at) {
  operation.ended = at;
  auto const found = estate.machines.find(operation.resource);
  if (found == estate.machines.end() || found->second.deleted) {
    operation.failure =
        Fault{"ResourceNotFound", "The resource was deleted while the operation was under way."};
    return;
  }
  VirtualMachine& machine = found->second;
  machine.operation.clear();
  if (operation.act == Act::start)
    return come_up(operation, machine, key_fault(estate, machine, keys, at), at);
  if (operation.act == Act::deallocate) return go_down(operation, machine);
  if (machine.power == Power::stopping) machine.power = Power::stopped;
}

void check_keys(Estate& estate, KeyDirectory const& keys, Instant at) {
  for (auto& [id, machine] : estate.machines) {
    if (machine.deleted || machine.set.empty() || machine.power != Power::running) continue;
    auto const fault = key_fault(estate, machine, keys, at);
    // An expired key only matters when a machine starts, and so does one that cannot be released.
    bool const gone =
        fault && fault->code != "KeyVaultKeyExpired" && fault->code != "KeyVaultSecureKeyReleaseFailed";
    if (!gone) continue;
    machine.power = Power::stopped;
    machine.failure = fault;
    note_stop(machine, "platform", at);
  }
}

void remove(VirtualMachine& machine, Estate& estate) {
  machine.deleted = true;
  std::erase_if(estate.disks, [&](auto const& entry) { return entry.second.machine == machine.name.key(); });
}

}  // namespace rekeyd::sim::azure::arm
