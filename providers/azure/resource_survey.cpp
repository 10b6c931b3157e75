// Which resources use our keys, what lives on disk encryption sets, and which machines use Azure Disk
// Encryption.
#include "providers/azure/arm_resources.hpp"
#include "providers/azure/azure_disk_encryption.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <tuple>

namespace rekeyd::providers::azure {

namespace asio = boost::asio;

namespace {

void tie(Registration& registration, std::vector<ResourceId> const& resources) {
  std::set<ResourceId> all(registration.tied.begin(), registration.tied.end());
  all.insert(resources.begin(), resources.end());
  registration.tied.assign(all.begin(), all.end());
}

/// What lives on the set is not known whole: whoever is told so can grant the right to see it.
void mark_hidden(Registration& registration, Error const& error) {
  if (registration.condition) return;
  registration.condition =
      ResourceCondition{"dependants_hidden", "what lives on it cannot be listed: " + error.what,
                        "grant rekeyd's identity the right to read machines and disks (docs/resources.md)"};
}

using MachinesBySet = std::map<std::string, std::vector<ResourceId>>;

Result<MachinesBySet> sorted_by_set(Result<std::vector<VirtualMachine>> const& machines) {
  if (!machines) return std::unexpected(machines.error());
  MachinesBySet by_set;
  for (VirtualMachine const& machine : *machines) {
    for (std::string const& set : machine.disk_encryption_sets) by_set[set].push_back(machine.id.resource());
  }
  return by_set;
}

/// A subscription that is not registered for a type of resource can have none of it (ARM's common errors).
constexpr std::string_view not_registered_code = "MissingSubscriptionRegistration";

bool is_hidden(Error const& error) {
  return error.error_class == ErrorClass::access || error.error_class == ErrorClass::permanent;
}

}  // namespace

asio::awaitable<Result<ResourceSurvey>> ResourceManager::survey(Clock::Mono deadline) {
  ResourceSurvey survey;
  for (ArmScope const& scope : options_.scopes) {
    Result<void> const surveyed = co_await survey_scope(scope, survey, deadline);
    if (!surveyed) co_return std::unexpected(surveyed.error());
  }
  std::ranges::sort(survey.resources, {},
                    [](Registration const& each) { return std::tie(each.key, each.resource); });
  co_return survey;
}

asio::awaitable<Result<void>> ResourceManager::survey_scope(ArmScope scope, ResourceSurvey& survey,
                                                            Clock::Mono deadline) {
  std::string const subscription = "/subscriptions/" + scope.subscription;
  std::vector<std::string> folders;
  for (std::string const& group : scope.resource_groups) {
    folders.push_back(fmt::format("{}/resourceGroups/{}", subscription, group));
  }
  if (folders.empty()) folders.push_back(subscription);
  std::vector<Registration> found;
  for (std::string const& folder : folders) {
    auto sets = co_await resources_in(folder, disk_encryption_sets, survey, deadline);
    if (!sets) co_return std::unexpected(std::move(sets.error()));
    std::ranges::move(*sets, std::back_inserter(found));
    Result<void> const others = co_await survey_others(folder, survey, deadline);
    if (!others) co_return std::unexpected(others.error());
  }
  auto const machines = co_await list_machines(scope.subscription, false, &survey.defects, deadline);
  if (!machines && !is_hidden(machines.error())) co_return std::unexpected(machines.error());
  Result<MachinesBySet> const by_set = sorted_by_set(machines);
  for (Registration& registration : found) {
    Result<void> const tied = co_await tie_dependants(registration, by_set, deadline);
    if (!tied) co_return std::unexpected(tied.error());
  }
  std::ranges::move(found, std::back_inserter(survey.resources));
  auto encrypted = co_await survey_disk_encryption(scope.subscription, machines, survey, deadline);
  co_return encrypted;
}

asio::awaitable<Result<void>> ResourceManager::tie_dependants(Registration& registration,
                                                              Result<MachinesBySet> const& machines,
                                                              Clock::Mono deadline) {
  if (machines) {
    auto const named = machines->find(registration.resource.str());
    if (named != machines->end()) tie(registration, named->second);
  } else {
    mark_hidden(registration, machines.error());
  }
  auto const associated = co_await associated_with(registration.resource, deadline);
  if (!associated && !is_hidden(associated.error())) co_return std::unexpected(associated.error());
  if (associated) {
    tie(registration, *associated);
  } else {
    mark_hidden(registration, associated.error());
  }
  co_return Result<void>();
}

/// What may not be listed is told, and is not taken for "nobody": no old version is retired meanwhile.
asio::awaitable<Result<void>> ResourceManager::survey_disk_encryption(
    std::string subscription, Result<std::vector<VirtualMachine>> const& machines, ResourceSurvey& survey,
    Clock::Mono deadline) {
  auto const disks = co_await list_disks(subscription, &survey.defects, deadline);
  if (!disks && !is_hidden(disks.error())) co_return std::unexpected(disks.error());
  if (!machines) survey.defects.push_back(machines.error());
  if (!disks) survey.defects.push_back(disks.error());
  std::vector<VirtualMachine> const none;
  std::vector<ManagedDisk> const no_disks;
  DiskEncryptionUsers users =
      disk_encryption_users(machines ? *machines : none, disks ? *disks : no_disks, options_.vaults);
  std::ranges::move(users.registrations, std::back_inserter(survey.resources));
  std::ranges::move(users.defects, std::back_inserter(survey.defects));
  co_return Result<void>();
}

asio::awaitable<Result<std::vector<Registration>>> ResourceManager::resources_in(std::string folder,
                                                                                 ResourceKind const& kind,
                                                                                 ResourceSurvey& survey,
                                                                                 Clock::Mono deadline) {
  ArmCall call;
  call.path = fmt::format("{}/providers/{}", folder, kind.list);
  call.api_version = kind.api_version;
  auto const listed = co_await readable_items(std::move(call), kind.read, &survey.defects, deadline);
  if (!listed) co_return std::unexpected(listed.error());
  std::vector<Registration> found;
  for (EncryptedResource const& each : *listed) {
    if (auto registration = ours(each)) found.push_back(*std::move(registration));
  }
  co_return found;
}

/// What may not be listed is told, and is not taken for "none": no old version is retired meanwhile. Machines
/// go on being served: their disk encryption sets are known.
asio::awaitable<Result<void>> ResourceManager::survey_others(std::string folder, ResourceSurvey& survey,
                                                             Clock::Mono deadline) {
  auto const accounts = co_await resources_in(folder, storage_accounts, survey, deadline);
  auto const servers = co_await sql_in(folder, survey, deadline);
  for (auto const* const listed : {&accounts, &servers}) {
    if (*listed) {
      std::ranges::copy(**listed, std::back_inserter(survey.resources));
    } else if (listed->error().code == not_registered_code) {
      continue;
    } else if (is_hidden(listed->error())) {
      survey.defects.push_back(listed->error());
    } else {
      co_return std::unexpected(listed->error());
    }
  }
  co_return Result<void>();
}

// All of the subscription: a machine may lie in another resource group than its disk encryption set.
asio::awaitable<Result<std::vector<VirtualMachine>>> ResourceManager::list_machines(
    std::string subscription, bool with_instance_view, std::vector<Error>* defects, Clock::Mono deadline) {
  ArmCall call;
  call.path = fmt::format("/subscriptions/{}/providers/Microsoft.Compute/virtualMachines{}", subscription,
                          with_instance_view ? "?$expand=instanceView" : "");
  call.api_version = compute_api_version;
  auto machines = co_await readable_items(std::move(call), read_virtual_machine, defects, deadline);
  co_return machines;
}

asio::awaitable<Result<std::vector<ManagedDisk>>> ResourceManager::list_disks(std::string subscription,
                                                                              std::vector<Error>* defects,
                                                                              Clock::Mono deadline) {
  ArmCall call;
  call.path = fmt::format("/subscriptions/{}/providers/Microsoft.Compute/disks", subscription);
  call.api_version = disk_api_version;
  auto disks = co_await readable_items(std::move(call), read_managed_disk, defects, deadline);
  co_return disks;
}

asio::awaitable<Result<std::vector<ResourceId>>> ResourceManager::associated_with(ResourceId resource,
                                                                                  Clock::Mono deadline) {
  ArmCall call;
  call.path = resource.str() + "/associatedResources";
  call.api_version = disk_api_version;
  auto associated = co_await items(std::move(call), parse_associated_resources, deadline);
  co_return associated;
}

}  // namespace rekeyd::providers::azure
