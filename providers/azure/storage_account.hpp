#pragma once
#include "policy/error.hpp"
#include "policy/registration.hpp"
#include "providers/azure/arm_id.hpp"
#include "providers/azure/key_vault_json.hpp"
#include "providers/json_answer.hpp"
#include "providers/secret.hpp"

#include <optional>
#include <string>
#include <string_view>

/// Storage accounts in ARM's bytes and in ours (Microsoft.Storage/storageAccounts, api-version 2019-06-01 and
/// later). Of encryption scopes, which may name keys of their own, nothing is known here. Pure, never throws.
namespace rekeyd::providers::azure {

struct StorageAccount {
  ArmId id;
  std::string identity;  ///< "SystemAssigned", ...; "None" or empty: it cannot use any key.
  KeyIdentifier key;     ///< Empty host: Microsoft's own key. Its version is the one in use, if that is told.
  bool pinned{};         ///< It names a version; otherwise it takes up new ones by itself.
  std::optional<Instant> last_rotation;
  std::string key_source;     ///< As sent.
  std::string user_identity;  ///< encryption.identity.userAssignedIdentity, as sent, or empty.

  std::optional<ResourceCondition> condition() const;
  /// As a tie to `key`.
  Registration registration(KeyRef key) const;
};

StorageAccount read_storage_account(JsonObject const& entry);

/// PATCH body that names this key to the account, with its version only where the account pins one.
Body write_account_key(StorageAccount const& account, KeyIdentifier const& key);

}  // namespace rekeyd::providers::azure
