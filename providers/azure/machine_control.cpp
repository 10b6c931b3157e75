// The machines of a disk encryption set: which they are, what they do, and how they are stopped and started.
#include "providers/azure/arm_operation.hpp"
#include "providers/azure/arm_resources.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace rekeyd::providers::azure {

namespace asio = boost::asio;

namespace {

constexpr std::string_view scale_set_machine_type =
    "microsoft.compute/virtualmachinescalesets/virtualmachines";

bool names(std::vector<std::string> const& ids, std::string const& id) {
  return std::ranges::find(ids, id) != ids.end();
}

/// An instance of a uniform scale set stands in no list of machines and is not stopped one by one.
Machine of_a_scale_set(ArmId const& id) {
  Machine machine;
  machine.id = id.resource();
  machine.obstacle =
      ResourceCondition{"scale_set_machine", "it belongs to a uniform scale set, which rekeyd does not stop",
                        "give scale sets a disk encryption set of their own, and change its key by hand"};
  return machine;
}

/// Its disk is held by something that is no machine that we know how to treat.
Machine of_unknown_kind(std::string const& id) {
  Machine machine;
  machine.id = ResourceId(id);
  machine.obstacle =
      ResourceCondition{"unknown_holder", "it holds a disk of the set and is no virtual machine",
                        "detach the disk, or give it a disk encryption set of its own"};
  return machine;
}

}  // namespace

bool ResourceManager::is_machine(ResourceId const& tied) const {
  auto const id = ArmId::parse(tied.str());
  return id && (id->is(virtual_machine_type) || id->is(scale_set_machine_type));
}

/// By three ways, since each alone misses some: machines name the set in two places; disks know who holds
/// them, also scale sets' instances, which stand in no list; ephemeral OS disks are no resources and only in
/// the machines.
asio::awaitable<Result<std::vector<Machine>>> ResourceManager::machines(ResourceId resource,
                                                                        Clock::Mono deadline) {
  auto const set = ArmId::parse(resource.str());
  if (!set) co_return std::vector<Machine>();
  auto const listed = co_await list_machines(set->subscription, true, nullptr, deadline);
  if (!listed) co_return std::unexpected(listed.error());
  auto const disks = co_await list_disks(set->subscription, nullptr, deadline);
  if (!disks) co_return std::unexpected(disks.error());
  auto const associated = co_await associated_with(resource, deadline);
  if (!associated) co_return std::unexpected(associated.error());

  std::set<std::string> holders;
  for (ManagedDisk const& disk : *disks) {
    bool const on_it = names(disk.disk_encryption_sets, set->path) ||
                       std::ranges::find(*associated, disk.id.resource()) != associated->end();
    if (on_it) holders.insert(disk.managed_by.begin(), disk.managed_by.end());
  }
  std::vector<Machine> found;
  for (VirtualMachine const& machine : *listed) {
    bool const held = holders.erase(machine.id.path) > 0;
    if (held || names(machine.disk_encryption_sets, set->path)) found.push_back(machine.machine());
  }
  for (std::string const& holder : holders) {
    auto const id = ArmId::parse(holder);
    if (id && id->is(scale_set_machine_type)) {
      found.push_back(of_a_scale_set(*id));
      continue;
    }
    if (!id || !id->is(virtual_machine_type)) {
      found.push_back(of_unknown_kind(holder));
      continue;
    }
    // Younger than the list of machines, or gone since.
    auto one = co_await machine(id->resource(), deadline);
    if (!one && one.error().error_class == ErrorClass::not_found) continue;
    if (!one) co_return std::unexpected(std::move(one.error()));
    found.push_back(*std::move(one));
  }
  std::ranges::sort(found, {}, &Machine::id);
  co_return found;
}

asio::awaitable<Result<Machine>> ResourceManager::machine(ResourceId machine, Clock::Mono deadline) {
  ArmCall call;
  call.path = machine.str() + "?$expand=instanceView";
  call.api_version = compute_api_version;
  auto const reply = co_await access_.call(std::move(call), deadline);
  if (!reply) co_return std::unexpected(reply.error());
  auto const read = parse_arm_item(reply->response.body, reply->where, read_virtual_machine);
  if (!read) co_return std::unexpected(read.error());
  if (read->id.resource() != machine) {
    co_return std::unexpected(malformed_answer("id names another machine", reply->where));
  }
  co_return read->machine();
}

asio::awaitable<Result<ChangeTicket>> ResourceManager::act(ResourceId machine, std::string action,
                                                           Clock::Mono deadline) {
  ArmCall call;
  call.method = "POST";
  // One that got no answer may still arrive, minutes later, and stop what runs again by then.
  call.repeatable = Repeatable::no;
  call.path = fmt::format("{}/{}", machine.str(), action);
  call.api_version = compute_api_version;
  auto const reply = co_await access_.call(std::move(call), deadline);
  if (!reply) co_return std::unexpected(reply.error());
  co_return ticket_of(*reply, access_.clock().wall_now());
}

asio::awaitable<Result<ChangeTicket>> ResourceManager::stop(ResourceId machine, Clock::Mono deadline) {
  auto result = co_await act(std::move(machine), "deallocate", deadline);
  co_return result;
}

asio::awaitable<Result<ChangeTicket>> ResourceManager::start(ResourceId machine, Clock::Mono deadline) {
  auto result = co_await act(std::move(machine), "start", deadline);
  co_return result;
}

}  // namespace rekeyd::providers::azure
