#include "tests/simulator/azure/arm/sql_server.hpp"

#include "tests/simulator/azure/arm/json_shapes.hpp"
#include "tests/simulator/azure/arm/key_use.hpp"
#include "tests/simulator/crypto.hpp"
#include "tests/simulator/message.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace rekeyd::sim::azure::arm {

namespace json = boost::json;

namespace {

constexpr char const* key_vault = "AzureKeyVault";

std::optional<Objection> refuse(std::string code, std::string message) {
  return Objection{400, {std::move(code), std::move(message)}};
}

/// The members of "properties", or nothing.
json::object const* properties_of(json::object const& body) {
  auto const* value = body.if_contains("properties");
  return value == nullptr ? nullptr : value->if_object();
}

/// Forty hexadecimal digits in capitals, as recorded; here of the URL, as the model's keys have no
/// certificate.
std::string thumbprint(KeyUrl const& key) {
  constexpr std::size_t digits = 40;
  std::string text = sha256_hex(key.to_text()).substr(0, digits);
  for (char& letter : text) {
    if (letter >= 'a' && letter <= 'f') letter = static_cast<char>(letter - 'a' + 'A');
  }
  return text;
}

json::object managed_key() { return {{"serverKeyType", service_managed}}; }

json::object vault_key(SqlServer::Key const& key) {
  return {{"serverKeyType", key_vault}, {"uri", key.key.to_text()}, {"thumbprint", thumbprint(key.key)}};
}

SqlServer::Key const* protector_of(SqlServer const& server) {
  auto const found = server.keys.find(server.protector);
  return found == server.keys.end() ? nullptr : &found->second;
}

KeyUser user_of(SqlServer const& server) {
  return {"server '" + server.name.name + "'", server.identity_type, server.key_access};
}

}  // namespace

std::string server_key_name(KeyUrl const& key) {
  return key.host.substr(0, key.host.find('.')) + "_" + key.name + "_" + key.version;
}

json::object server_json(SqlServer const& server) {
  json::object properties{{"administratorLogin", "sqladmin"},
                          {"version", "12.0"},
                          {"state", "Ready"},
                          {"fullyQualifiedDomainName", server.name.name + ".database.windows.net"},
                          {"publicNetworkAccess", "Enabled"}};
  if (auto const* key = protector_of(server)) properties["keyId"] = key->key.to_text();
  json::object identity{{"type", server.identity_type}};
  if (server.identity_type.starts_with("SystemAssigned")) {
    identity["principalId"] = server.principal_id;
    identity["tenantId"] = server.tenant;
  }
  return {{"kind", "v12.0"},
          {"properties", std::move(properties)},
          {"identity", std::move(identity)},
          {"location", server.location},
          {"id", server.name.id()},
          {"name", server.name.name},
          {"type", "Microsoft.Sql/servers"}};
}

json::object server_key_json(SqlServer const& server, SqlServer::Key const* key) {
  std::string const name = key == nullptr ? service_managed : key->name;
  json::object body{{"kind", key == nullptr ? "servicemanaged" : "azurekeyvault"},
                    {"properties", key == nullptr ? managed_key() : vault_key(*key)},
                    {"id", server.name.id() + "/keys/" + name},
                    {"name", name},
                    {"type", "Microsoft.Sql/servers/keys"}};
  if (key == nullptr) return body;
  body["location"] = server.location;
  auto& properties = body["properties"].as_object();
  properties["creationDate"] = zulu(key->created);
  properties["autoRotationEnabled"] = server.auto_rotation && server.protector == lower(key->name);
  return body;
}

json::object protector_json(SqlServer const& server) {
  auto const* key = protector_of(server);
  json::object body{{"kind", key == nullptr ? "servicemanaged" : "azurekeyvault"},
                    {"properties", key == nullptr ? managed_key() : vault_key(*key)},
                    {"id", server.name.id() + "/encryptionProtector/current"},
                    {"name", "current"},
                    {"type", "Microsoft.Sql/servers/encryptionProtector"}};
  auto& properties = body["properties"].as_object();
  properties["serverKeyName"] = key == nullptr ? service_managed : key->name.c_str();
  if (key != nullptr) {
    body["location"] = server.location;
    properties["autoRotationEnabled"] = server.auto_rotation;
  }
  return body;
}

std::optional<Objection> read_key(json::object const& body, std::string const& name, Operation& operation) {
  constexpr std::size_t longest_vault_and_key = 94;
  auto const* properties = properties_of(body);
  if (properties == nullptr || string_member(*properties, "serverKeyType") != key_vault)
    return refuse("InvalidServerKeyType",
                  "The server key type is not supported: 'AzureKeyVault' was expected.");
  auto key = parse_key_url(string_member(*properties, "uri").value_or(""));
  if (!key || key->version.empty())
    return refuse("InvalidKeyVaultUri", "The key URI must name a version of a key.");
  if (lower(name) != lower(server_key_name(*key)))
    return refuse("InvalidServerKeyName",
                  fmt::format("The server key name must be '{}'.", server_key_name(*key)));
  if (name.size() - key->version.size() - 2 > longest_vault_and_key)
    return refuse("InvalidServerKeyName", "The names of vault and key are too long together.");
  operation.sql_key = {name, *std::move(key), operation.started};
  return std::nullopt;
}

std::optional<Objection> read_protector(json::object const& body, SqlServer const& server,
                                        Operation& operation) {
  auto const* properties = properties_of(body);
  auto const type = properties == nullptr ? std::nullopt : string_member(*properties, "serverKeyType");
  if (type != key_vault && type != service_managed)
    return refuse("InvalidServerKeyType", "'AzureKeyVault' or 'ServiceManaged' was expected.");
  operation.auto_rotation = bool_member(*properties, "autoRotationEnabled").value_or(false);
  if (type == service_managed) return std::nullopt;
  auto const name = string_member(*properties, "serverKeyName").value_or("");
  auto const found = server.keys.find(lower(name));
  if (found == server.keys.end())
    return refuse("ServerKeyNotFound", fmt::format("The server has no key '{}'.", name));
  operation.sql_key = found->second;
  return std::nullopt;
}

void end_sql(Operation& operation, Estate& estate, KeyDirectory const& keys, Instant at) {
  operation.ended = at;
  auto const found = estate.servers.find(operation.resource);
  if (found == estate.servers.end()) return;
  SqlServer& server = found->second;
  server.operation.clear();
  bool const own = !operation.sql_key.name.empty();
  if (own) operation.failure = version_fault(user_of(server), operation.sql_key.key, keys, at);
  if (operation.failure) return;
  std::string const name = lower(operation.sql_key.name);
  if (operation.act == Act::put_sql_key) {
    operation.sql_key.created = at;
    server.keys.emplace(name, operation.sql_key);
    return;
  }
  server.protector = name;
  server.auto_rotation = own && operation.auto_rotation;
  constexpr std::chrono::hours check_interval{1};
  server.next_check = at + check_interval;
}

void follow(SqlServer& server, KeyDirectory const& keys, Instant at) {
  auto const* protector = protector_of(server);
  if (protector == nullptr) return;
  auto const newest = newer_version(user_of(server), protector->key, keys, at);
  if (!newest) return;
  SqlServer::Key key{server_key_name(*newest), *newest, at};
  server.protector = lower(key.name);
  server.keys.emplace(server.protector, std::move(key));
}

}  // namespace rekeyd::sim::azure::arm
