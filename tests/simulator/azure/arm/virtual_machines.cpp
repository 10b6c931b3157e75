#include "tests/simulator/azure/arm/json_shapes.hpp"
#include "tests/simulator/azure/arm/power.hpp"
#include "tests/simulator/azure/arm/refusals.hpp"
#include "tests/simulator/azure/arm/resource_manager.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <map>

/// Virtual machines: models, states and power.
namespace rekeyd::sim::azure::arm {

namespace json = boost::json;

namespace {

Answer named(Answer answer, char const* operation) {
  answer.operation = operation;
  return answer;
}

struct PowerRoute {
  Act act;
  char const* operation;
};

PowerRoute const* power_route(std::string const& type) {
  static std::map<std::string, PowerRoute> const routes{
      {"start", {Act::start, "virtualMachines.start"}},
      {"poweroff", {Act::power_off, "virtualMachines.powerOff"}},
      {"deallocate", {Act::deallocate, "virtualMachines.deallocate"}}};
  auto const found = routes.find(type);
  return found == routes.end() ? nullptr : &found->second;
}

bool expands_view(Target const& target) {
  return lower(target.param("$expand").value_or("")) == "instanceview";
}

/// Whether a list of that scope shows the machine.
bool is_listed(VirtualMachine const& machine, ResourceId const& id) {
  if (machine.deleted || !machine.scale_set.empty() || machine.name.subscription != id.subscription)
    return false;
  if (id.in_group()) return lower(machine.name.group) == lower(id.group);
  bool const by_location = id.parts.front().first == "locations";
  return !by_location || lower(machine.location) == lower(id.name(0));
}

}  // namespace

VirtualMachine const* ResourceManager::find_machine(Call const& call) const {
  ResourceName const name{call.id.subscription, call.id.group, "virtualMachines", call.id.name(0)};
  auto const found = call.seen.machines.find(name.key());
  if (found == call.seen.machines.end() || found->second.deleted || !found->second.scale_set.empty())
    return nullptr;
  return &found->second;
}

json::object ResourceManager::view(VirtualMachine const& machine) {
  auto const hidden = hidden_power_states_.find(machine.name.key());
  bool const hide = hidden != hidden_power_states_.end() && hidden->second > 0;
  if (hide) --hidden->second;
  return instance_view_json(machine, hide);
}

Answer ResourceManager::virtual_machines(Call const& call) {
  auto const& parts = call.id.parts;
  std::string const& method = call.request.method;
  if (parts.front().second.empty()) return method == "GET" ? list_machines(call) : no_route(method);
  VirtualMachine const* found = find_machine(call);
  if (found == nullptr)
    return named(no_resource("Microsoft.Compute/virtualMachines", call.id.name(0), call.id.group),
                 "virtualMachines.get");
  if (parts.size() == 1) return method == "GET" ? machine(call, *found) : no_route(method);
  std::string const what = parts[1].first;
  if (what == "extensions" && method == "GET") return extensions(call, *found);
  if (what == "instanceview" && method == "GET")
    return named(json_answer(200, view(*found)), "virtualMachines.instanceView");
  if (PowerRoute const* route = power_route(what); route != nullptr && method == "POST")
    return act_on(call, estate_.machines.at(found->name.key()), route->act, route->operation);
  return no_route(method);
}

Answer ResourceManager::machine(Call const& call, VirtualMachine const& machine) {
  auto body = machine_json(machine, IdCase::as_made);
  if (expands_view(call.target)) body["properties"].as_object()["instanceView"] = view(machine);
  return named(json_answer(200, body), "virtualMachines.get");
}

Answer ResourceManager::list_machines(Call const& call) {
  bool const status_only = call.target.param("statusOnly").value_or("") == "true";
  bool const with_view = status_only || expands_view(call.target);
  json::array all;
  for (auto const& [key, machine] : call.seen.machines) {
    if (!is_listed(machine, call.id)) continue;
    auto body = machine_json(machine, list_ids());
    auto& properties = body["properties"].as_object();
    if (status_only) {
      properties = {{"vmId", machine.vm_id}, {"provisioningState", properties.at("provisioningState")}};
      body.erase("resources");
    }
    if (with_view) properties["instanceView"] = view(machine);
    all.push_back(std::move(body));
  }
  return page(call, std::move(all), "virtualMachines.list");
}

Answer ResourceManager::extensions(Call const& call, VirtualMachine const& machine) {
  std::string const name = call.id.name(1);
  if (name.empty()) {
    json::array all;
    if (has_extension(machine)) all.push_back(extension_json(machine));
    return named(json_answer(200, {{"value", std::move(all)}}), "extensions.list");
  }
  if (!has_extension(machine) || lower(name) != lower(disk_encryption_extension(machine))) {
    return named(no_resource("Microsoft.Compute/virtualMachines/" + machine.name.name + "/extensions", name,
                             machine.name.group),
                 "extensions.get");
  }
  return named(json_answer(200, extension_json(machine)), "extensions.get");
}

Answer ResourceManager::act_on(Call const& call, VirtualMachine& machine, Act act, char const* operation) {
  bool const hibernates = act == Act::deallocate && call.target.param("hibernate").value_or("") == "true";
  auto const objection = objection_to(act, machine, estate_);
  if (objection) return named(refused(*objection), operation);
  if (hibernates && machine.confidential()) {
    // That confidential machines cannot is unconfirmed.
    return named(refused(409, "OperationNotAllowed", "Hibernation is not supported for confidential VMs."),
                 operation);
  }
  auto begun = new_operation(act, machine.name, machine.location, call.client, call.now);
  begun.hibernates = hibernates;
  auto answer = accepted(call, begun, {}, operation);
  begin(std::move(begun), machine, estate_, settings_);
  remember(call.now);
  return answer;
}

}  // namespace rekeyd::sim::azure::arm
