#include "providers/azure/sql_server.hpp"

#include "providers/azure/arm_answer.hpp"
#include "providers/azure/letter_case.hpp"
#include "providers/azure/resource_kind.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <utility>

namespace rekeyd::providers::azure {

namespace json = boost::json;

namespace {

constexpr std::string_view server_type = "microsoft.sql/servers";
constexpr std::string_view protector_type = "microsoft.sql/servers/encryptionprotector";
constexpr std::string_view server_key_type = "microsoft.sql/servers/keys";
constexpr std::string_view protector_place = "/encryptionprotector/current";

/// Empty for Microsoft's own key.
KeyIdentifier read_key(JsonObject const& properties) {
  if (lower_case(properties.text("serverKeyType")) != "azurekeyvault") return {};
  auto key = KeyIdentifier::parse(properties.text("uri"));
  bool const whole = key && is_key_name(key->name) && is_version_id(key->version);
  if (whole) return *std::move(key);
  properties.note("uri", "should be the URL of a key's version");
  return {};
}

Body to_body(json::object properties) {
  std::string const text = json::serialize(json::object{{"properties", std::move(properties)}});
  return {text.data(), text.size()};
}

EncryptedResource read_protector_tie(JsonObject const& entry) {
  EncryptionProtector const protector = read_encryption_protector(entry);
  return {protector.key, protector.registration({})};
}

EncryptedResource read_server_key_tie(JsonObject const& entry) {
  SqlServerKey const key = read_sql_server_key(entry);
  return {key.key, key.registration({})};
}

Body name_key(JsonObject const& as_read, KeyIdentifier const& key) {
  return write_encryption_protector(read_encryption_protector(as_read), key);
}

Preparation preparation(KeyIdentifier const& key) {
  return {"/keys/" + sql_server_key_name(key), write_sql_server_key(key)};
}

// Microsoft's pages say an hour, others a day (azure-docs, transparent-data-encryption-byok-key-rotation); an
// hour more before anybody is alarmed.
constexpr auto lag = std::chrono::hours(25);
constexpr std::string_view sql_api_version = "2021-11-01";

}  // namespace

ResourceKind const sql_servers{.type = server_type,
                               .list = "Microsoft.Sql/servers",
                               .api_version = sql_api_version,
                               .following_lag = lag,
                               .read = read_protector_tie,
                               .name_key = name_key,
                               .method = "PUT",
                               .key_place = protector_place,
                               .preparation = preparation};

ResourceKind const sql_server_keys{.type = server_key_type,
                                   .list = "keys",
                                   .api_version = sql_api_version,
                                   .following_lag = {},
                                   .read = read_server_key_tie,
                                   .name_key = nullptr};

ArmId read_sql_server_id(JsonObject const& entry) { return read_arm_id(entry, server_type, "a SQL server"); }

EncryptionProtector read_encryption_protector(JsonObject const& entry) {
  EncryptionProtector protector;
  ArmId const id = read_arm_id(entry, protector_type, "the encryption protector of a SQL server");
  if (id.path.ends_with(protector_place)) {
    protector.server = id.path.substr(0, id.path.size() - protector_place.size());
  } else if (!id.path.empty()) {
    entry.note("id", "is not that of a server's current encryption protector");
  }
  JsonObject const properties = entry.object("properties");
  protector.key = read_key(properties);
  protector.auto_rotation = properties.flag_if("autoRotationEnabled").value_or(false);
  return protector;
}

SqlServerKey read_sql_server_key(JsonObject const& entry) {
  SqlServerKey key;
  key.id = read_arm_id(entry, server_key_type, "a key of a SQL server");
  JsonObject const properties = entry.object("properties");
  key.key = read_key(properties);
  key.added = properties.date_if("creationDate");
  return key;
}

std::string sql_server_key_name(KeyIdentifier const& key) {
  return fmt::format("{}_{}_{}", key.host.substr(0, key.host.find('.')), key.name, key.version);
}

Registration EncryptionProtector::registration(KeyRef root_key) const {
  Registration tie;
  tie.key = std::move(root_key);
  tie.resource = ResourceId(server);
  tie.kind = "sql-server";
  if (!key.version.empty()) tie.version = VersionId(key.version);
  tie.prevents_deletion = true;
  tie.following = auto_rotation ? Following::by_itself : Following::when_told;
  return tie;
}

Registration SqlServerKey::registration(KeyRef root_key) const {
  Registration tie;
  tie.key = std::move(root_key);
  tie.resource = id.resource();
  tie.kind = "sql-server-key";
  if (!key.version.empty()) tie.version = VersionId(key.version);
  tie.prevents_deletion = true;
  tie.updated = added;
  tie.following = Following::past;
  return tie;
}

Body write_sql_server_key(KeyIdentifier const& key) {
  return to_body({{"serverKeyType", "AzureKeyVault"},
                  {"uri", fmt::format("https://{}/keys/{}/{}", key.host, key.name, key.version)}});
}

Body write_encryption_protector(EncryptionProtector const& protector, KeyIdentifier const& key) {
  return to_body({{"serverKeyType", "AzureKeyVault"},
                  {"serverKeyName", sql_server_key_name(key)},
                  {"autoRotationEnabled", protector.auto_rotation}});
}

}  // namespace rekeyd::providers::azure
