#include "config/azure_cloud.hpp"

#include <array>

namespace rekeyd::config {

// Domains of vaults and pools: Microsoft's SDKs and documentation. Unconfirmed, since no source that we could
// read states them: the authorities and the Resource Manager of the US government cloud, and the second name
// of the authority in China. `credentials.authority` and `cloud: { ... }` stand above the table.
std::span<AzureCloud const> azure_clouds() {
  static std::array<AzureCloud, 3> const clouds{{
      {},
      {"us-government",
       "https://login.microsoftonline.us",
       {"login-us.microsoftonline.com"},
       "vault.usgovcloudapi.net",
       "managedhsm.usgovcloudapi.net",
       "https://management.usgovcloudapi.net",
       "https://management.usgovcloudapi.net"},
      {"china",
       "https://login.chinacloudapi.cn",
       {"login.partner.microsoftonline.cn"},
       "vault.azure.cn",
       "managedhsm.azure.cn",
       "https://management.chinacloudapi.cn",
       "https://management.chinacloudapi.cn"},
  }};
  return clouds;
}

}  // namespace rekeyd::config
