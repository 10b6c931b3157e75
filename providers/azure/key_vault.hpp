#pragma once
#include "providers/azure/azure_kind.hpp"
#include "providers/azure/rotation_call.hpp"
#include "providers/azure/vault_access.hpp"
#include "providers/kms_provider.hpp"

#include <memory>
#include <string>
#include <vector>

namespace rekeyd::providers {

struct KeyVaultOptions {
  ProviderName name;
  AzureKind kind{AzureKind::key_vault};
  std::vector<VaultAddress> vaults;
  std::string api_version{"7.5"};
  AzureRotateBy rotate_by{AzureRotateBy::automatic};
  /// Managed HSM, where the rotate call is used: put a neutral rotation policy on keys that have none?
  bool set_neutral_rotation_policy{false};
  TrustedAuthority authority{};  ///< Whose challenges are believed, and for which tenant.
  /// Shared by all that use these vaults; null: no limits are kept but the client's own.
  std::shared_ptr<azure::VaultLimits> limits{};
};

/// Azure Key Vault or Managed HSM. All referenced objects must outlive the provider.
///
/// Key references: vault and key are kept in lower case, since Azure does not tell cases apart; whatever case
/// a caller uses is found. Registrations are none here: what uses a key is known to other services.
std::unique_ptr<KmsProvider> make_key_vault(ApiClient& client, CredentialSource& credentials, Clock& clock,
                                            Random& random, KeyVaultOptions options);

}  // namespace rekeyd::providers
