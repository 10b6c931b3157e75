#pragma once
#include "providers/auth/credential_source.hpp"
#include "providers/azure/arm_access.hpp"
#include "providers/http/api_client.hpp"
#include "providers/resource_controller.hpp"

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace rekeyd::providers {

/// Where to look for resources: a subscription, or resource groups of it.
struct ArmScope {
  std::string subscription;
  std::vector<std::string> resource_groups;  ///< Empty: all.
};

/// Host of a vault or HSM pool, in lower case → what we call it. Of all provider instances: a set may use a
/// vault that another identity of ours looks after.
using VaultsByHost = std::map<std::string, std::pair<ProviderName, VaultName>>;

struct ResourceManagerOptions {
  Endpoint endpoint;     ///< https://management.azure.com
  std::string audience;  ///< What its tokens are asked for: AzureCloud::arm_scope().
  std::vector<ArmScope> scopes;
  VaultsByHost vaults;
  std::shared_ptr<azure::ArmLimits> limits{};  ///< Null: no limits are kept but the client's own.
  azure::ArmLimits::Caller caller{};           ///< As whom they are kept.
  azure::ArmApiVersions api_versions{};        ///< In the place of those that rekeyd was made with.
};

/// Azure Resource Manager: disk encryption sets. All referenced objects must outlive it.
std::unique_ptr<ResourceController> make_resource_manager(ApiClient& client, CredentialSource& credentials,
                                                          Clock& clock, Random& random,
                                                          ResourceManagerOptions options);

/// For its client: the published limits are kept by ArmLimits.
ApiLimits arm_default_limits();

}  // namespace rekeyd::providers
