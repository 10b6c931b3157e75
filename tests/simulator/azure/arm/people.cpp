#include "tests/simulator/azure/arm/course.hpp"
#include "tests/simulator/azure/arm/refusals.hpp"
#include "tests/simulator/azure/arm/resource_manager.hpp"
#include "tests/simulator/randomness.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <functional>

/// What people do behind a client's back, and what they prepare to go wrong: the control host's requests.
namespace rekeyd::sim::azure::arm {

namespace json = boost::json;

namespace {

constexpr char const* people = "people";

Answer complaint(unsigned status, std::string const& message) {
  return json_answer(status, {{"error", message}});
}

Answer done() { return {204, {}, {}}; }

std::string text(json::object const& wish, char const* name, std::string fallback = {}) {
  return string_member(wish, name).value_or(std::move(fallback));
}

int times(json::object const& wish) { return static_cast<int>(integer_member(wish, "times").value_or(1)); }

Fault fault(json::object const& wish, char const* code) {
  return {text(wish, "code", code), text(wish, "message", "The operation failed, as was prepared.")};
}

/// Troubles that a wish names, by act.
bool prepare(VirtualMachine& machine, std::string const& act, json::object const& wish) {
  auto& troubles = machine.troubles;
  if (act == "stick-in-starting") {
    troubles.stuck_in_starting = true;
  } else if (act == "stick-in-deallocating") {
    troubles.stuck_in_deallocating = true;
  } else if (act == "fail-start") {
    troubles.start = fault(wish, "AllocationFailed");
    troubles.starts = times(wish);
  } else if (act == "fail-deallocate") {
    troubles.deallocate = fault(wish, "InternalExecutionError");
    troubles.deallocations = times(wish);
  } else if (act == "fail") {
    machine.failure = fault(wish, "VMExtensionProvisioningError");
  } else if (act == "heal") {
    troubles = {};
    machine.failure.reset();
  } else {
    return false;
  }
  return true;
}

std::optional<Act> power_act(std::string const& act) {
  if (act == "start") return Act::start;
  if (act == "power-off") return Act::power_off;
  if (act == "deallocate") return Act::deallocate;
  return std::nullopt;
}

/// Another machine like `model`, running, with disks of its own.
void add_machine_like(VirtualMachine const& model, std::string const& name, Randomness& random, Instant now,
                      Estate& estate) {
  VirtualMachine machine = model;
  machine.name.name = name;
  machine.vm_id = random.uuid();
  machine.power = Power::running;
  machine.created = now;
  machine.troubles = {};
  machine.failure.reset();
  machine.operation.clear();
  machine.stops.clear();
  machine.data_disks.clear();
  if (auto const set = estate.sets.find(machine.set); set != estate.sets.end())
    machine.key = set->second.active;
  if (!machine.ephemeral_os_disk) {
    auto disk = estate.disks.find(lower(
        ResourceName{model.name.subscription, model.name.group, "disks", model.name.name + "_OsDisk"}.id()));
    if (disk != estate.disks.end()) {
      Disk copy = disk->second;
      copy.name.name = name + "_OsDisk";
      copy.machine = machine.name.key();
      copy.created = now;
      copy.unique_id = random.uuid();
      estate.disks.insert_or_assign(copy.name.key(), std::move(copy));
    }
  }
  estate.machines.insert_or_assign(machine.name.key(), std::move(machine));
}

/// An operation that would never end ends now.
Answer let_go(std::string const& id, Estate& estate, Instant now) {
  auto const found = estate.operations.find(id);
  if (found == estate.operations.end()) return complaint(404, "no operation is under way");
  found->second.due = now;
  return done();
}

bool prepare(DiskEncryptionSet& set, std::string const& act, json::object const& wish) {
  if (act == "partial") {
    set.partial_changes = times(wish);
    set.partial_shape = text(wish, "shape", "previous-keys") == "old-key" ? PartialShape::old_key
                                                                          : PartialShape::previous_keys;
  } else if (act == "lose-identity") {
    set.identity_type = "None";
  } else if (act == "restore-identity") {
    set.identity_type = "SystemAssigned";
  } else if (act == "deny-key") {
    set.key_access = false;
  } else if (act == "allow-key") {
    set.key_access = true;
  } else if (act == "stick") {
    set.stuck = true;
  } else if (act == "fail-change") {
    set.change_fault = fault(wish, "InternalExecutionError");
    set.failing_changes = times(wish);
  } else if (act == "auto-rotation-error") {
    set.auto_rotation_error = fault(wish, "ManagedServiceIdentityNotFound");
  } else {
    return false;
  }
  return true;
}

}  // namespace

std::optional<Answer> ResourceManager::control(Request const& request, Instant now) {
  auto const target = parse_target(request.target);
  if (estate_.subscriptions.empty() || !target) return std::nullopt;
  bool const posts = request.method == "POST";
  bool const locks = target->path == "/locks" && (posts || request.method == "DELETE");
  bool const machines = target->path == "/virtual-machines" && posts;
  bool const sets = target->path == "/disk-encryption-sets" && posts;
  if (!locks && !machines && !sets) return std::nullopt;
  auto const wish = json_object(request.body);
  if (!wish) return complaint(400, "a JSON object was expected");
  advance_to(now);
  auto answer = locks      ? people_and_lock(*wish, posts, now)
                : machines ? people_and_machine(*wish, now)
                           : people_and_set(*wish, now);
  if (answer.status < 300) remember(now);
  return answer;
}

Answer ResourceManager::people_and_machine(json::object const& wish, Instant now) {
  auto const found = estate_.machines.find(lower(text(wish, "id")));
  if (found == estate_.machines.end() || found->second.deleted)
    return complaint(404, fmt::format("there is no virtual machine '{}'", text(wish, "id")));
  VirtualMachine& machine = found->second;
  std::string const act = text(wish, "act");
  if (prepare(machine, act, wish)) return done();
  if (auto const power = power_act(act)) {
    if (auto const objection = objection_to(*power, machine, estate_)) return refused(*objection);
    begin(new_operation(*power, machine.name, machine.location, people, now), machine, estate_, settings_);
    return done();
  }
  if (act == "let-go") return let_go(machine.operation, estate_, now);
  if (act == "delete") {
    remove(machine, estate_);
    return done();
  }
  if (act == "hide-power-state") {
    hidden_power_states_[machine.name.key()] = times(wish);
    return done();
  }
  if (act == "copy" && !text(wish, "name").empty()) {
    add_machine_like(VirtualMachine(machine), text(wish, "name"), random_, now, estate_);
    return done();
  }
  return complaint(
      400,
      "known acts: start, power-off, deallocate, delete, copy (with name), hide-power-state, "
      "stick-in-starting, stick-in-deallocating, let-go, fail-start, fail-deallocate, fail, heal");
}

Answer ResourceManager::people_and_set(json::object const& wish, Instant now) {
  auto const found = estate_.sets.find(lower(text(wish, "id")));
  if (found == estate_.sets.end())
    return complaint(404, fmt::format("there is no disk encryption set '{}'", text(wish, "id")));
  DiskEncryptionSet& set = found->second;
  std::string const act = text(wish, "act");
  if (prepare(set, act, wish)) return done();
  if (act == "let-go") return let_go(set.operation, estate_, now);
  SetChange change;
  if (act == "set-key") {
    change.key = parse_key_url(text(wish, "key_url"));
    change.source_vault = set.source_vault;
    if (!change.key) return complaint(400, "key_url: the URL of a key version was expected");
  } else if (act == "follow") {
    change.follows = bool_member(wish, "follow").value_or(true);
  } else {
    return complaint(400,
                     "known acts: set-key (with key_url), follow, partial, lose-identity, restore-identity, "
                     "deny-key, allow-key, stick, let-go, fail-change, auto-rotation-error");
  }
  if (auto const objection = objection_to(change, set, estate_)) return refused(*objection);
  begin(change, new_operation(Act::change_set, set.name, set.location, people, now), set, estate_, settings_);
  return done();
}

Answer ResourceManager::people_and_lock(json::object const& wish, bool put, Instant) {
  std::string const scope = text(wish, "scope");
  std::string const name = text(wish, "name");
  if (!scope.starts_with("/subscriptions/") || name.empty())
    return complaint(400, "scope (an ARM id) and name were expected");
  auto const gone = std::erase_if(estate_.locks, [&](Lock const& lock) {
    return lower(lock.scope) == lower(scope) && lower(lock.name) == lower(name);
  });
  if (!put) return gone > 0 ? done() : complaint(404, "there is no such lock");
  std::string const level = text(wish, "level", "ReadOnly");
  if (level != "ReadOnly" && level != "CanNotDelete")
    return complaint(400, "level: ReadOnly or CanNotDelete");
  estate_.locks.push_back({scope, name, level == "ReadOnly", text(wish, "notes")});
  return done();
}

}  // namespace rekeyd::sim::azure::arm
