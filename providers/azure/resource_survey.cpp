// Which disk encryption sets use our keys, and what lives on them.
#include "providers/azure/arm_resources.hpp"

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
  if (found.empty()) co_return Result<void>();
  auto const machines = co_await machines_of(scope.subscription, survey, deadline);
  if (!machines && !is_hidden(machines.error())) co_return std::unexpected(machines.error());
  for (Registration& registration : found) {
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
  }
  std::ranges::move(found, std::back_inserter(survey.resources));
  co_return Result<void>();
}

asio::awaitable<Result<std::vector<Registration>>> ResourceManager::sets_in(std::string folder,
                                                                            ResourceSurvey& survey,
                                                                            Clock::Mono deadline) {
  ArmCall call;
  call.path = folder + "/providers/Microsoft.Compute/diskEncryptionSets";
  call.api_version = disk_api_version;
  auto const pages = co_await access_.pages(std::move(call), deadline);
  if (!pages) co_return std::unexpected(pages.error());
  std::vector<Registration> found;
  for (ArmReply const& reply : *pages) {
    auto page = parse_disk_encryption_sets(reply.response.body, reply.where);
    if (!page) co_return std::unexpected(std::move(page.error()));
    std::ranges::move(page->defects, std::back_inserter(survey.defects));
    for (DiskEncryptionSet const& set : page->sets) {
      if (auto key = key_of(set)) found.push_back(set.registration(*std::move(key)));
    }
  }
  co_return found;
}

// All of the subscription: a machine may lie in another resource group than its disk encryption set.
asio::awaitable<Result<ResourceManager::MachinesBySet>> ResourceManager::machines_of(std::string subscription,
                                                                                     ResourceSurvey& survey,
                                                                                     Clock::Mono deadline) {
  ArmCall call;
  call.path = fmt::format("/subscriptions/{}/providers/Microsoft.Compute/virtualMachines", subscription);
  call.api_version = compute_api_version;
  auto const pages = co_await access_.pages(std::move(call), deadline);
  if (!pages) co_return std::unexpected(pages.error());
  MachinesBySet machines;
  for (ArmReply const& reply : *pages) {
    auto page = parse_virtual_machines(reply.response.body, reply.where);
    if (!page) co_return std::unexpected(std::move(page.error()));
    std::ranges::move(page->defects, std::back_inserter(survey.defects));
    for (VirtualMachine const& machine : page->machines) {
      for (std::string const& set : machine.disk_encryption_sets)
        machines[set].push_back(machine.id.resource());
    }
  }
  co_return machines;
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
