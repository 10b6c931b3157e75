#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rekeyd::config {

/// What differs between Azure's clouds: the one table of it.
struct AzureCloud {
  std::string name{"public"};
  std::string authority{"https://login.microsoftonline.com"};
  /// Other names of the same authority, as vaults' challenges still use them.
  std::vector<std::string> authority_aliases{"login.windows.net", "login.microsoft.com", "sts.windows.net"};
  std::string vault_domain{"vault.azure.net"};             ///< Also the audience: "https://" before it.
  std::string managed_hsm_domain{"managedhsm.azure.net"};  ///< Also the audience: "https://" before it.
  std::string arm_endpoint{"https://management.azure.com"};
  std::string arm_audience{"https://management.azure.com"};
  bool operator==(AzureCloud const&) const = default;
};

/// Public, US government and China (operated by 21Vianet).
std::span<AzureCloud const> azure_clouds();

}  // namespace rekeyd::config
