#pragma once
#include "providers/auth/key_vault_challenge.hpp"
#include "providers/azure/azure_kind.hpp"
#include "providers/http/transport.hpp"

#include <string>

namespace rekeyd::providers {

/// The cloud that a provider instance lives in, ready for use. What it is made of stands in one table,
/// config/azure_cloud.cpp, and in the settings that may change parts of it.
struct AzureCloud {
  Endpoint authority;                          ///< Entra ID.
  std::vector<std::string> authority_aliases;  ///< Other host names of the same authority.
  std::string vault_resource;                  ///< The audience of Key Vault: "https://vault.azure.net".
  std::string managed_hsm_resource;            ///< The audience of Managed HSM.
  Endpoint arm_endpoint;                       ///< Azure Resource Manager.
  std::string arm_audience;                    ///< "https://management.azure.com"

  std::string const& key_resource(AzureKind kind) const {
    return kind == AzureKind::managed_hsm ? managed_hsm_resource : vault_resource;
  }
  /// What CredentialSource::token() is asked for to call Azure Resource Manager.
  std::string arm_scope() const { return arm_audience + "/.default"; }
};

}  // namespace rekeyd::providers
