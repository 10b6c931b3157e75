#pragma once
#include "providers/azure/key_vault_json.hpp"

#include <string>

namespace rekeyd::providers::azure {

/// SHA-256, in hexadecimal digits, of what the policy says: the same for two that differ in the order of
/// members or in spaces alone, since services write it anew. Whether it may be changed is not part of it.
/// What is no base64url of JSON is taken as its bytes are.
std::string release_policy_digest(ReleasePolicy const& policy);

}  // namespace rekeyd::providers::azure
