#pragma once
#include "policy/error.hpp"
#include "providers/http/transport.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace rekeyd::providers::azure {

/// The parameters of the Bearer challenge in a WWW-Authenticate value, names in lower case: name="value" in
/// any order, other schemes beside it ignored. Nothing if there is no Bearer challenge, a name comes twice,
/// or the text is none of this.
std::optional<std::map<std::string, std::string>> parse_bearer_challenge(std::string_view value);

/// Checks a vault's challenge and returns the resource to get a token for ("https://vault.azure.net").
///
/// A token is worth something at every vault of the cloud, so it goes only to a host that is one label below
/// the resource that the host names: "myvault.vault.azure.net" may ask for "vault.azure.net";
/// "evilvault.azure.net" ends the same way and may not. The authority must be https on `authority_host`
/// (login.windows.net is its old alias) with a tenant in its path. Malformed error for anything that is no
/// challenge, access error for one that must not be followed.
Result<std::string> check_challenge(std::string_view www_authenticate, Endpoint const& vault,
                                    std::string_view authority_host, std::string const& where);

}  // namespace rekeyd::providers::azure
