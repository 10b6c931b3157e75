// What would stop a change half-way: found before anything is stopped for it.
#include "providers/azure/arm_resources.hpp"

#include <fmt/format.h>

#include <map>

namespace rekeyd::providers::azure {

namespace asio = boost::asio;

namespace {

constexpr char const* change_set = "Microsoft.Compute/diskEncryptionSets/write";
constexpr char const* stop_machine = "Microsoft.Compute/virtualMachines/deallocate/action";
constexpr char const* start_machine = "Microsoft.Compute/virtualMachines/start/action";

ResourceCondition locked(ArmLock const& lock, ResourceId const& resource) {
  return {"locked", fmt::format("the read-only lock '{}' forbids changing {}", lock.name, resource.str()),
          "remove the lock for the time of the rotation, then `rekeyctl retry`"};
}

ResourceCondition missing_right(char const* action, std::string const& group) {
  return {"missing_right", fmt::format("rekeyd may not {} in {}", action, group),
          fmt::format("grant rekeyd's identity {} there (docs/resources.md)", action)};
}

std::string group_of(ArmId const& id) {
  return fmt::format("/subscriptions/{}/resourcegroups/{}", id.subscription, id.resource_group);
}

}  // namespace

/// A confidential machine asks the key's service to release the key to its hardware at every start: from a
/// version that cannot be released it never starts again (azure-docs, confidential VM key rotation).
std::vector<std::string> ResourceManager::shortcomings(RootKey const& key,
                                                       Registration const& resource) const {
  std::vector<std::string> found;
  if (resource.following != Following::when_told_at_rest) return found;
  if (key.type.algorithm != KeyAlgorithm::rsa) found.emplace_back("is no RSA key");
  if (key.type.protection != Protection::hsm) found.emplace_back("is not protected by an HSM");
  if (!key.exportable) found.emplace_back("is not exportable");
  if (key.release_policy.empty()) found.emplace_back("has no release policy");
  if (key.state != KeyState::active) found.emplace_back("is not enabled");
  return found;
}

asio::awaitable<Result<std::vector<ArmGrant>>> ResourceManager::grants_at(std::string group,
                                                                          Clock::Mono deadline) {
  ArmCall call;
  call.path = group + "/providers/Microsoft.Authorization/permissions";
  call.api_version = permissions_api_version;
  auto grants = co_await items(std::move(call), parse_permissions, deadline);
  co_return grants;
}

asio::awaitable<Result<std::vector<ArmLock>>> ResourceManager::locks_of(std::string subscription,
                                                                        Clock::Mono deadline) {
  ArmCall call;
  call.path = fmt::format("/subscriptions/{}/providers/Microsoft.Authorization/locks", subscription);
  call.api_version = locks_api_version;
  auto locks = co_await items(std::move(call), parse_locks, deadline);
  co_return locks;
}

asio::awaitable<Result<std::vector<ResourceCondition>>> ResourceManager::hindrances(
    ResourceId resource, std::vector<ResourceId> machines, Clock::Mono deadline) {
  std::vector<ResourceCondition> found;
  auto const set = ArmId::parse(resource.str());
  if (!set) co_return found;
  // Whoever may not see the locks is told by the change itself.
  auto const locks = co_await locks_of(set->subscription, deadline);
  if (!locks && locks.error().error_class == ErrorClass::transient) co_return std::unexpected(locks.error());
  std::map<std::string, std::vector<char const*>> wanted;  // resource group → what has to be allowed there
  wanted[group_of(*set)].push_back(change_set);
  if (locks) {
    if (ArmLock const* const lock = lock_over(*locks, set->path)) found.push_back(locked(*lock, resource));
  }
  for (ResourceId const& machine : machines) {
    auto const id = ArmId::parse(machine.str());
    if (!id) continue;
    auto& actions = wanted[group_of(*id)];
    if (actions.empty() || actions.back() != start_machine)
      actions.insert(actions.end(), {stop_machine, start_machine});
    ArmLock const* const lock = locks ? lock_over(*locks, id->path) : nullptr;
    if (lock != nullptr) found.push_back(locked(*lock, machine));
  }
  for (auto const& [group, actions] : wanted) {
    auto const grants = co_await grants_at(group, deadline);
    if (!grants) co_return std::unexpected(grants.error());
    for (char const* const action : actions) {
      if (!permits(*grants, action)) found.push_back(missing_right(action, group));
    }
  }
  co_return found;
}

}  // namespace rekeyd::providers::azure
