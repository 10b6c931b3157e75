#pragma once
#include "providers/azure/service_limits.hpp"
#include "providers/http/quota.hpp"

#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

namespace rekeyd::providers::azure {

/// What may be asked of all vaults and HSM pools that this process knows, whoever of it asks: the published
/// limits, as far as they are ours.
///
/// The limit over all vaults of a subscription in a region is kept for all vaults of a region together: the
/// keys API tells a vault's region (x-ms-keyvault-region) and not its subscription, so they are taken for
/// one's.
class VaultLimits {
 public:
  explicit VaultLimits(Clock& clock) : clock_(clock) {}

  /// A vault with so much of its limits for us. One that is known already is the same one: the least counts.
  void add(Endpoint const& vault, AzureKind kind, unsigned percent);
  /// What a request draws on; nothing if the vault was not added.
  Charges charges(Endpoint const& vault, std::string_view method, std::string_view target);

  /// What an answer showed. A key's type makes good what its first reading took too little.
  void learn_type(Endpoint const& vault, std::string const& key, KeyType const& type);
  void learn_region(Endpoint const& vault, std::string_view region);

 private:
  using Rows = std::map<VaultLimit, SharedAllowancePtr>;
  struct Region {
    unsigned percent{};
    Rows rows;
  };
  struct Vault {
    AzureKind kind{};
    unsigned percent{};
    Rows rows;
    std::unordered_map<std::string, KeyType> types;
    Region* region{};
  };

  Vault* find(Endpoint const& vault);
  void add_charges(Charges& charges, Vault& vault, VaultDemand const& demand);

  Clock& clock_;
  std::map<std::string, Vault> vaults_;    ///< By host and port.
  std::map<std::string, Region> regions_;  ///< Entries stay where they are.
};

}  // namespace rekeyd::providers::azure
