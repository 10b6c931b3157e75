#pragma once
#include "policy/error.hpp"
#include "policy/registration.hpp"
#include "providers/azure/arm_id.hpp"
#include "providers/azure/key_vault_json.hpp"
#include "providers/secret.hpp"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

/// The types of resource at Azure Resource Manager that name a root key in themselves, and take another
/// version of it by one PATCH. Pure, never throws.
namespace rekeyd::providers::azure {

struct EncryptedResource {
  KeyIdentifier key;  ///< With an empty host: it uses Microsoft's own key.
  Registration tie;   ///< Without its key, and without what lives on it.
};

struct EncryptedResourcePage {
  std::vector<EncryptedResource> resources;
  std::vector<Error> defects;  ///< Entries that could not be read; the others are good.
};

struct ResourceKind {
  std::string_view type;               ///< In lower case: "microsoft.storage/storageaccounts".
  std::string_view list;               ///< As paths of lists spell it: "Microsoft.Storage/storageAccounts".
  std::string_view api_version;        ///< Whose answers these functions were made to read.
  std::chrono::seconds following_lag;  ///< Of one that follows by itself, before anybody is alarmed.
  /// `where` goes into errors: the call that was answered.
  Result<EncryptedResource> (*parse)(std::string_view body, std::string const& where);
  Result<EncryptedResourcePage> (*parse_list)(std::string_view body, std::string const& where);
  /// The PATCH that names `key`, with its version, to the resource that was read so, and changes nothing
  /// else.
  Result<Body> (*name_key)(std::string_view as_read, std::string const& where, KeyIdentifier const& key);
};

extern ResourceKind const disk_encryption_sets, storage_accounts;

/// Null for anything else.
ResourceKind const* resource_kind_of(ArmId const& id);

}  // namespace rekeyd::providers::azure
