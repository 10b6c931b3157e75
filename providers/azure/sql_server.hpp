#pragma once
#include "policy/error.hpp"
#include "policy/registration.hpp"
#include "providers/azure/arm_id.hpp"
#include "providers/azure/key_vault_json.hpp"
#include "providers/json_answer.hpp"
#include "providers/secret.hpp"

#include <optional>
#include <string>

/// Logical servers of Azure SQL and their transparent data encryption in ARM's bytes and in ours
/// (Microsoft.Sql/servers, api-version 2021-11-01 and later). A server has a list of keys, each one version;
/// its encryption protector is one of them. Those that it had before stay in the list: its backups need them.
/// Pure, never throws.
namespace rekeyd::providers::azure {

/// servers/{server}/encryptionProtector/current
struct EncryptionProtector {
  std::string server;    ///< The server's id.
  KeyIdentifier key;     ///< Empty host: Microsoft's own key.
  bool auto_rotation{};  ///< Azure looks for new versions of the key by itself.

  /// As a tie to `key`.
  Registration registration(KeyRef key) const;
};

/// servers/{server}/keys/{name}: one that does not protect the server any more, or not yet.
struct SqlServerKey {
  ArmId id;
  KeyIdentifier key;  ///< Empty host: Microsoft's own key.
  std::optional<Instant> added;

  /// As a tie to `key`, of a server that it protected.
  Registration registration(KeyRef key) const;
};

ArmId read_sql_server_id(JsonObject const& entry);
EncryptionProtector read_encryption_protector(JsonObject const& entry);
SqlServerKey read_sql_server_key(JsonObject const& entry);

/// "pay_cmk_v2": what a server's list must call that version.
std::string sql_server_key_name(KeyIdentifier const& key);

/// PUT body that adds the version to a server's list.
Body write_sql_server_key(KeyIdentifier const& key);
/// PUT body that makes a version of the list the protector; whether it follows stays as it was read.
Body write_encryption_protector(EncryptionProtector const& protector, KeyIdentifier const& key);

}  // namespace rekeyd::providers::azure
