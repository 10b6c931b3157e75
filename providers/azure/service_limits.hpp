#pragma once
#include "policy/key.hpp"
#include "providers/azure/azure_kind.hpp"
#include "providers/http/allowance.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What Azure publishes of its limits, and what of them a request takes. All figures stand in
/// service_limits.cpp, each with its source. Pure.
namespace rekeyd::providers::azure {

/// What a request to a vault or HSM pool does, as far as the limits tell requests apart.
enum class VaultWork {
  create,   ///< A new key version: create, rotate; release besides.
  import,   ///< The same with material that is brought along.
  protect,  ///< wrapkey, encrypt.
  open,     ///< unwrapkey, decrypt.
  remove,   ///< delete, purge, recover.
  key,      ///< Whatever else is asked of one key.
  vault,    ///< Listings.
};

struct VaultRequest {
  VaultWork work{};
  std::string key;  ///< In lower case; empty: not about one key.
};

/// From method and target (path, with or without query).
VaultRequest vault_request(std::string_view method, std::string_view target);

/// The rows of the limits of one vault or pool. Each counts for itself.
enum class VaultLimit { creations, imports, removals, key_transactions, vault_transactions };

PublishedLimit published_limit(AzureKind kind, VaultLimit limit);
/// All vaults of one subscription in one region together, if there is such a limit.
std::optional<PublishedLimit> published_region_limit(AzureKind kind, VaultLimit limit);

struct VaultDemand {
  VaultLimit limit{};
  std::int64_t units{1};
};

/// Without a type, for a key not seen before: reading it counts as the ordinary RSA-2048 in hardware, all
/// else as the heaviest type there is.
VaultDemand vault_demand(AzureKind kind, VaultWork work, std::optional<KeyType> const& type);

/// What a request to Azure Resource Manager does, as far as Compute's limits tell requests apart.
enum class ArmWork { other, set_read, set_change, machine_read, machine_list, machine_change, operation };
enum class ArmVerb { read, write, remove };

struct ArmRequest {
  ArmWork work{ArmWork::other};
  ArmVerb verb{ArmVerb::read};
  std::string subscription;  ///< Lower case; empty: about none.
  std::string resource;      ///< The machine or operation that has limits of its own; or empty.
};

ArmRequest arm_request(std::string_view method, std::string_view target);

/// For each principal, subscription and region.
PublishedLimit published_limit(ArmVerb verb);
/// Compute's for each subscription; none for `other`.
std::vector<PublishedLimit> published_limits(ArmWork work);
/// Compute's for one machine or operation, where there is one.
std::optional<PublishedLimit> published_resource_limit(ArmWork work);

}  // namespace rekeyd::providers::azure
