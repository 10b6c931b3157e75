#pragma once
#include "providers/auth/credential_source.hpp"
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
};

/// Azure Resource Manager: disk encryption sets. All referenced objects must outlive it.
std::unique_ptr<ResourceController> make_resource_manager(ApiClient& client, CredentialSource& credentials,
                                                          Clock& clock, Random& random,
                                                          ResourceManagerOptions options);

/// ARM's token buckets for one subscription and principal refill 25 reads a second (its throttling page,
/// 2024).
ApiLimits arm_default_limits();

}  // namespace rekeyd::providers
