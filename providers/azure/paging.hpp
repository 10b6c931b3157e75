#pragma once
#include "policy/error.hpp"
#include "providers/http/transport.hpp"

#include <string>
#include <string_view>

namespace rekeyd::providers::azure {

/// More pages than this are a loop, not a listing: 25 keys a page make 100,000 keys.
inline constexpr unsigned pages_max = 4'000;

/// The target (path and query) of the page that `next_link` names, for a request to `vault`; never followed
/// blindly. It must be https, name the vault's own host and port 443, none, or the vault's own port (Key
/// Vault writes ":443"), and stay under `root`. The query is kept byte for byte, as the skip token is the
/// service's own; api-version is added where it is missing (Managed HSM leaves it out). Resource Manager's
/// lists are followed by the same rules, under "/subscriptions".
Result<std::string> next_page_target(std::string_view next_link, Endpoint const& vault,
                                     std::string_view api_version, std::string const& where,
                                     std::string_view root = "/keys");

}  // namespace rekeyd::providers::azure
