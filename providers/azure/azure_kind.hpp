#pragma once
#include "providers/http/api_client.hpp"
#include "providers/kms_provider.hpp"

namespace rekeyd::providers {

/// Two services with one keys API. All that differs for us is in `AzureTraits`; code asks the record and
/// never compares kinds.
enum class AzureKind { key_vault, managed_hsm };

struct AzureTraits {
  Capabilities capabilities;
  char const* service;  ///< For people: "Key Vault".
  /// On-demand rotate is refused until the key has a rotation policy (managed-hsm/key-rotation.md).
  bool rotate_needs_policy{};
  bool has_notify_action{};  ///< Key Vault only: near-expiry events.
  /// What a person lacks, in the words of the portal.
  char const* role_to_rotate;
};

AzureTraits const& azure_traits(AzureKind kind);

/// For its client: the published limits are kept for each vault by VaultLimits.
ApiLimits azure_default_limits(AzureKind kind);

}  // namespace rekeyd::providers
