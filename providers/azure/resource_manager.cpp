#include "providers/azure/resource_manager.hpp"

#include "providers/azure/arm_access.hpp"
#include "providers/azure/arm_operation.hpp"
#include "providers/azure/disk_encryption_set.hpp"
#include "providers/azure/letter_case.hpp"
#include "providers/azure/virtual_machine.hpp"
#include "providers/json_answer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace rekeyd::providers {

namespace asio = boost::asio;

namespace azure {

namespace {

// Azure looks for a new version and moves within the hour (disk-encryption.md); a quarter more before anybody
// is alarmed.
constexpr auto disk_encryption_set_lag = std::chrono::minutes(75);

Error no_such_resource(ResourceId const& resource, std::string what) {
  Error error;
  error.error_class = ErrorClass::not_found;
  error.what = std::move(what);
  error.where = resource.str();
  return error;
}

/// Disk encryption set → the machines whose disks name it.
using MachinesBySet = std::map<std::string, std::vector<ResourceId>>;

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

class ResourceManager final : public ResourceController {
 public:
  ResourceManager(ApiClient& client, CredentialSource& credentials, Clock& clock, Random& random,
                  ResourceManagerOptions options)
      : access_(client, credentials, clock, random,
                {options.endpoint, options.audience, options.limits, options.caller, options.api_versions}),
        options_(std::move(options)) {
    for (ArmScope& scope : options_.scopes) {
      scope.subscription = lower_case(scope.subscription);
      for (std::string& group : scope.resource_groups) group = lower_case(group);
    }
  }

  std::string id_prefix() const override { return "/subscriptions/"; }
  bool looks_after(ResourceId const& resource) const override;
  bool may_use(KeyRef const& key) const override { return !host_of(key).empty(); }
  asio::awaitable<Result<ResourceSurvey>> survey(Clock::Mono deadline) override;
  asio::awaitable<Result<Registration>> describe(ResourceId resource, Clock::Mono deadline) override;
  asio::awaitable<Result<ChangeTicket>> move(ResourceId resource, KeyRef key, VersionId version,
                                             Clock::Mono deadline) override;
  asio::awaitable<Result<ChangeProgress>> progress(std::string operation, Clock::Mono deadline) override;
  std::chrono::seconds following_lag(Registration const&) const override { return disk_encryption_set_lag; }

 private:
  std::optional<KeyRef> key_of(DiskEncryptionSet const& set) const;
  std::string host_of(KeyRef const& key) const;
  asio::awaitable<Result<void>> survey_scope(ArmScope scope, ResourceSurvey& survey, Clock::Mono deadline);
  asio::awaitable<Result<std::vector<Registration>>> sets_in(std::string folder, ResourceSurvey& survey,
                                                             Clock::Mono deadline);
  asio::awaitable<Result<MachinesBySet>> machines_of(std::string subscription, ResourceSurvey& survey,
                                                     Clock::Mono deadline);
  asio::awaitable<Result<void>> tie_associated(Registration& registration, Clock::Mono deadline);
  asio::awaitable<Result<DiskEncryptionSet>> read(ResourceId resource, Clock::Mono deadline);

  ArmAccess access_;
  ResourceManagerOptions options_;
};

bool ResourceManager::looks_after(ResourceId const& resource) const {
  auto const id = ArmId::parse(resource.str());
  if (!id || !id->is(disk_encryption_set_type)) return false;
  return std::ranges::any_of(options_.scopes, [&](ArmScope const& scope) {
    bool const in_group =
        scope.resource_groups.empty() ||
        std::ranges::find(scope.resource_groups, id->resource_group) != scope.resource_groups.end();
    return scope.subscription == id->subscription && in_group;
  });
}

std::optional<KeyRef> ResourceManager::key_of(DiskEncryptionSet const& set) const {
  auto const vault = options_.vaults.find(set.key.host);
  if (vault == options_.vaults.end()) return std::nullopt;
  return KeyRef{vault->second.first, vault->second.second, KeyId(set.key.name)};
}

std::string ResourceManager::host_of(KeyRef const& key) const {
  auto const vault = std::ranges::find_if(options_.vaults, [&](auto const& entry) {
    return entry.second.first == key.provider && entry.second.second == key.vault;
  });
  return vault == options_.vaults.end() ? std::string() : vault->first;
}

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
    auto const tied = co_await tie_associated(registration, deadline);
    if (!tied && !is_hidden(tied.error())) co_return std::unexpected(tied.error());
    if (!tied) mark_hidden(registration, tied.error());
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
asio::awaitable<Result<MachinesBySet>> ResourceManager::machines_of(std::string subscription,
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

asio::awaitable<Result<void>> ResourceManager::tie_associated(Registration& registration,
                                                              Clock::Mono deadline) {
  ArmCall call;
  call.path = registration.resource.str() + "/associatedResources";
  call.api_version = disk_api_version;
  auto const pages = co_await access_.pages(std::move(call), deadline);
  if (!pages) co_return std::unexpected(pages.error());
  for (ArmReply const& reply : *pages) {
    auto const resources = parse_associated_resources(reply.response.body, reply.where);
    if (!resources) co_return std::unexpected(resources.error());
    tie(registration, *resources);
  }
  co_return Result<void>();
}

asio::awaitable<Result<DiskEncryptionSet>> ResourceManager::read(ResourceId resource, Clock::Mono deadline) {
  ArmCall call;
  call.path = resource.str();
  call.api_version = disk_api_version;
  auto const reply = co_await access_.call(std::move(call), deadline);
  if (!reply) co_return std::unexpected(reply.error());
  auto set = parse_disk_encryption_set(reply->response.body, reply->where);
  if (set && set->id.resource() != resource) {
    co_return std::unexpected(malformed_answer("id names another resource", reply->where));
  }
  co_return set;
}

asio::awaitable<Result<Registration>> ResourceManager::describe(ResourceId resource, Clock::Mono deadline) {
  auto const set = co_await read(resource, deadline);
  if (!set) co_return std::unexpected(set.error());
  auto key = key_of(*set);
  if (!key)
    co_return std::unexpected(no_such_resource(resource, "it uses a key of a vault that is not configured"));
  co_return set->registration(*std::move(key));
}

asio::awaitable<Result<ChangeTicket>> ResourceManager::move(ResourceId resource, KeyRef key,
                                                            VersionId version, Clock::Mono deadline) {
  auto const set = co_await read(resource, deadline);
  if (!set) co_return std::unexpected(set.error());
  std::string const host = host_of(key);
  if (host.empty()) {
    co_return std::unexpected(no_such_resource(resource, "no vault is configured for the key " + key.text()));
  }
  ArmCall call;
  call.method = "PATCH";
  call.path = resource.str();
  call.api_version = disk_api_version;
  call.body = write_active_key(*set, fmt::format("https://{}/keys/{}/{}", host, key.id.str(), version.str()));
  auto const reply = co_await access_.call(std::move(call), deadline);
  if (!reply) co_return std::unexpected(reply.error());
  co_return ticket_of(*reply, access_.clock().wall_now());
}

asio::awaitable<Result<ChangeProgress>> ResourceManager::progress(std::string operation,
                                                                  Clock::Mono deadline) {
  auto result = co_await operation_progress(access_, std::move(operation), deadline);
  co_return result;
}

}  // namespace azure

std::unique_ptr<ResourceController> make_resource_manager(ApiClient& client, CredentialSource& credentials,
                                                          Clock& clock, Random& random,
                                                          ResourceManagerOptions options) {
  return std::make_unique<azure::ResourceManager>(client, credentials, clock, random, std::move(options));
}

ApiLimits arm_default_limits() {
  ApiLimits limits;
  limits.requests_per_second = 0;
  limits.in_flight_max = 8;
  return limits;
}

}  // namespace rekeyd::providers
