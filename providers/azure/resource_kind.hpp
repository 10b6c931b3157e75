#pragma once
#include "policy/registration.hpp"
#include "providers/azure/arm_id.hpp"
#include "providers/azure/key_vault_json.hpp"
#include "providers/json_answer.hpp"
#include "providers/secret.hpp"

#include <chrono>
#include <string_view>

/// The types of resource at Azure Resource Manager that name a root key, and how each is told another version
/// of it. Pure, never throws.
namespace rekeyd::providers::azure {

struct EncryptedResource {
  KeyIdentifier key;  ///< With an empty host: it uses Microsoft's own key.
  Registration tie;   ///< Without its key, and without what lives on it.
};

/// What has to be PUT below a resource before a version can be named to it.
struct Preparation {
  std::string below;  ///< "/keys/pay_cmk_v2"
  Body body;
};

struct ResourceKind {
  std::string_view type;               ///< In lower case: "microsoft.storage/storageaccounts".
  std::string_view list;               ///< As paths of lists spell it: "Microsoft.Storage/storageAccounts".
  std::string_view api_version;        ///< Whose answers these functions were made to read.
  std::chrono::seconds following_lag;  ///< Of one that follows by itself, before anybody is alarmed.
  EncryptedResource (*read)(JsonObject const& entry);
  /// What names `key`, with its version, to the resource that was read so, and changes nothing else. Null:
  /// nobody can.
  Body (*name_key)(JsonObject const& as_read, KeyIdentifier const& key);
  char const* method{"PATCH"};   ///< Of the request with name_key's body.
  std::string_view key_place{};  ///< Where below the resource its key is read and named; empty: in itself.
  Preparation (*preparation)(KeyIdentifier const& key){};  ///< Null: nothing has to come before.
};

extern ResourceKind const disk_encryption_sets, storage_accounts, sql_servers, sql_server_keys;

/// Null for anything else.
ResourceKind const* resource_kind_of(ArmId const& id);

}  // namespace rekeyd::providers::azure
