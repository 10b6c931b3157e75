#pragma once
#include "providers/ibm/flavour.hpp"
#include "providers/ibm/instance_access.hpp"
#include "providers/kms_provider.hpp"

#include <memory>
#include <vector>

namespace rekeyd::providers {

struct KeyProtectOptions {
  ProviderName name;
  IbmKind kind{IbmKind::key_protect};
  std::vector<InstanceAddress> instances;
  /// Wrap imported material for the service's HSM, with a token of one use. The flavour must have such
  /// tokens.
  bool import_with_token{false};
};

/// IBM Key Protect, Key Protect Dedicated or HPCS. All referenced objects must outlive the provider.
///
/// Key ids are the service's UUIDs, never aliases (a deleted alias resolves for minutes). There is no switch
/// for one key version: set_version_enabled is a permanent error. Rewrapping is always the service's.
std::unique_ptr<KmsProvider> make_key_protect(ApiClient& client, CredentialSource& credentials, Clock& clock,
                                              Random& random, KeyProtectOptions options);

}  // namespace rekeyd::providers
