// Which disk encryption sets use our keys, what lives on them, and which machines use Azure Disk Encryption.
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
    auto sets = co_await sets_in(folder, survey, deadline);
    if (!sets) co_return std::unexpected(std::move(sets.error()));
    std::ranges::move(*sets, std::back_inserter(found));
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

asio::awaitable<Result<std::vector<Registration>>> ResourceManager::sets_in(std::string folder,
                                                                            ResourceSurvey& survey,
                                                                            Clock::Mono deadline) {
  ArmCall call;
  call.path = folder + "/providers/Microsoft.Compute/diskEncryptionSets";
  call.api_version = disk_api_version;
  auto const sets = co_await readable_items(std::move(call), parse_disk_encryption_sets,
                                            &DiskEncryptionSetPage::sets, &survey.defects, deadline);
  if (!sets) co_return std::unexpected(sets.error());
  std::vector<Registration> found;
  for (DiskEncryptionSet const& set : *sets) {
    if (auto key = key_of(set)) found.push_back(set.registration(*std::move(key)));
  }
  co_return found;
}

// All of the subscription: a machine may lie in another resource group than its disk encryption set.
asio::awaitable<Result<std::vector<VirtualMachine>>> ResourceManager::list_machines(
    std::string subscription, bool with_instance_view, std::vector<Error>* defects, Clock::Mono deadline) {
  ArmCall call;
  call.path = fmt::format("/subscriptions/{}/providers/Microsoft.Compute/virtualMachines{}", subscription,
                          with_instance_view ? "?$expand=instanceView" : "");
  call.api_version = compute_api_version;
  auto machines = co_await readable_items(std::move(call), parse_virtual_machines,
                                          &VirtualMachinePage::machines, defects, deadline);
  co_return machines;
}

asio::awaitable<Result<std::vector<ManagedDisk>>> ResourceManager::list_disks(std::string subscription,
                                                                              std::vector<Error>* defects,
                                                                              Clock::Mono deadline) {
  ArmCall call;
  call.path = fmt::format("/subscriptions/{}/providers/Microsoft.Compute/disks", subscription);
  call.api_version = disk_api_version;
  auto disks = co_await readable_items(std::move(call), parse_managed_disks, &ManagedDiskPage::disks, defects,
                                       deadline);
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
