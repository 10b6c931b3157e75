#include "daemon/azure_cloud.hpp"

namespace rekeyd::daemon {

Result<providers::AzureCloud> azure_cloud(config::AzureSettings const& settings) {
  auto authority = providers::Endpoint::parse(settings.credentials.authority);
  if (!authority) return std::unexpected(std::move(authority.error()));
  auto arm = providers::Endpoint::parse(settings.cloud.arm_endpoint);
  if (!arm) return std::unexpected(std::move(arm.error()));
  providers::AzureCloud cloud;
  // The aliases are names of the cloud's own authority, and of no other that stands in its place.
  if (settings.credentials.authority == settings.cloud.authority)
    cloud.authority_aliases = settings.cloud.authority_aliases;
  cloud.authority = *std::move(authority);
  cloud.vault_resource = "https://" + settings.cloud.vault_domain;
  cloud.managed_hsm_resource = "https://" + settings.cloud.managed_hsm_domain;
  cloud.arm_endpoint = *std::move(arm);
  cloud.arm_audience = settings.cloud.arm_audience;
  return cloud;
}

}  // namespace rekeyd::daemon
