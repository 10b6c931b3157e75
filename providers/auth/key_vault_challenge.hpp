#pragma once
#include "policy/error.hpp"
#include "providers/http/transport.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace rekeyd::providers {

/// What a Key Vault or Managed HSM asks for with its 401:
///   WWW-Authenticate: Bearer authorization="https://login.microsoftonline.com/<tenant>",
///                            resource="https://vault.azure.net"
/// Names `authorization_uri` and `scope` are the older and the newer spelling of the two.
struct KeyVaultChallenge {
  Endpoint authority;
  std::string tenant;    ///< First part of the authority's path.
  std::string resource;  ///< The audience: "https://vault.azure.net", without "/.default" or a slash.
};

/// Where we let ourselves be sent for tokens, and for which tenant.
struct TrustedAuthority {
  Endpoint authority;
  std::string tenant;  ///< As configured, GUID or domain; empty: any (with a managed identity).
  std::vector<std::string> aliases{};  ///< Other host names of the same authority; vaults use old ones.
  /// The one resource that the vaults of this cloud and kind ask for, "https://vault.azure.net".
  std::string resource{};
};

/// Reads the header. Malformed error for anything else; nothing of it is trusted yet.
Result<KeyVaultChallenge> parse_key_vault_challenge(std::string_view www_authenticate);

/// May a token for this challenge be fetched, and be sent to `asked`? An access error that says what does not
/// fit, unless all of this holds:
///  - `asked` is https and lies below the resource's host: kv1.vault.azure.net below vault.azure.net, label
///  by
///    label (evilvault.azure.net does not, nor does a name with a trailing dot);
///  - the resource is the cloud's own for vaults of this kind;
///  - the authority is https and the configured one, or another of its names;
///  - the tenant is the configured one, where both are GUIDs. (A configured domain cannot be compared; the
///    token is asked from the configured tenant in any case.)
Result<void> verify_key_vault_challenge(KeyVaultChallenge const& challenge, Endpoint const& asked,
                                        TrustedAuthority const& trusted);

}  // namespace rekeyd::providers
