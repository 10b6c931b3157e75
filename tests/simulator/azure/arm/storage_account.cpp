#include "tests/simulator/azure/arm/storage_account.hpp"

#include "tests/simulator/azure/arm/json_shapes.hpp"
#include "tests/simulator/azure/arm/key_use.hpp"
#include "tests/simulator/message.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace rekeyd::sim::azure::arm {

namespace json = boost::json;

namespace {

std::optional<Objection> refuse(std::string code, std::string message) {
  return Objection{400, {std::move(code), std::move(message)}};
}

std::optional<Objection> wrong(std::string_view property) {
  return refuse("InvalidValuesForRequestParameters",
                fmt::format("Values for request parameters are invalid: {}.", property));
}

json::object const* object_at(json::object const& object, std::string_view name) {
  auto const* value = object.if_contains({name.data(), name.size()});
  return value == nullptr ? nullptr : value->if_object();
}

json::object encryption_json(StorageAccount const& account) {
  json::object const service{
      {"keyType", "Account"}, {"enabled", true}, {"lastEnabledTime", zulu(account.created)}};
  json::object encryption{{"services", {{"file", service}, {"blob", service}}},
                          {"keySource", account.customer_key ? "Microsoft.Keyvault" : "Microsoft.Storage"}};
  if (!account.customer_key) return encryption;
  json::object key{{"currentVersionedKeyIdentifier", account.active.to_text()},
                   {"keyvaulturi", "https://" + account.active.host + "/"},
                   {"keyname", account.active.name}};
  if (account.pinned) key["keyversion"] = account.active.version;
  if (account.rotated) key["lastKeyRotationTimestamp"] = zulu(*account.rotated);
  encryption["keyvaultproperties"] = std::move(key);
  return encryption;
}

KeyUser user_of(StorageAccount const& account) {
  return {"storage account '" + account.name.name + "'", account.identity_type, account.key_access};
}

std::optional<Objection> use_key(StorageAccount& account, json::object const& wanted,
                                 KeyDirectory const& keys, Instant now) {
  auto const name = string_member(wanted, "keyname");
  auto vault = string_member(wanted, "keyvaulturi").value_or("");
  if (vault.ends_with('/')) vault.pop_back();
  if (!name || name->empty()) return wrong("keyvaultproperties.keyname");
  auto key = parse_key_url(vault + "/keys/" + *name);
  if (!key) return wrong("keyvaultproperties.keyvaulturi");
  // Left out or empty: the account follows (the command line's documentation).
  key->version = string_member(wanted, "keyversion").value_or("");
  bool const pinned = !key->version.empty();
  if (auto const facts = keys.find(*key, now); facts && !pinned) key->version = facts->version;
  if (auto fault = version_fault(user_of(account), *key, keys, now)) return Objection{400, *std::move(fault)};
  if (!account.customer_key || !(account.active == *key)) account.rotated = now;
  account.customer_key = true;
  account.pinned = pinned;
  account.active = *std::move(key);
  constexpr std::chrono::days check_interval{1};
  account.next_check = now + check_interval;
  return std::nullopt;
}

std::optional<Objection> patch_encryption(StorageAccount& account, json::object const& encryption,
                                          KeyDirectory const& keys, Instant now) {
  auto const source = lower(string_member(encryption, "keySource").value_or(""));
  if (!source.empty() && source != "microsoft.keyvault" && source != "microsoft.storage")
    return wrong("encryption.keySource");
  auto const* wanted = object_at(encryption, "keyvaultproperties");
  if (source == "microsoft.storage") {
    account.customer_key = account.pinned = false;
    return std::nullopt;
  }
  if (wanted != nullptr) return use_key(account, *wanted, keys, now);
  return account.customer_key || source.empty() ? std::nullopt : wrong("encryption.keyvaultproperties");
}

}  // namespace

json::object account_json(StorageAccount const& account) {
  json::object endpoints;
  for (char const* service : {"blob", "queue", "table", "file"})
    endpoints[service] = fmt::format("https://{}.{}.core.windows.net/", account.name.name, service);
  json::object body{{"identity", {{"type", account.identity_type}}},
                    {"sku", {{"name", "Standard_LRS"}, {"tier", "Standard"}}},
                    {"kind", "StorageV2"},
                    {"id", account.name.id()},
                    {"name", account.name.name},
                    {"type", "Microsoft.Storage/storageAccounts"},
                    {"location", account.location},
                    {"tags", tags_json(account.tags)},
                    {"properties",
                     {{"supportsHttpsTrafficOnly", true},
                      {"encryption", encryption_json(account)},
                      {"provisioningState", "Succeeded"},
                      {"creationTime", zulu(account.created)},
                      {"primaryEndpoints", std::move(endpoints)},
                      {"primaryLocation", account.location},
                      {"statusOfPrimary", "available"}}}};
  if (account.identity_type.starts_with("SystemAssigned")) {
    auto& identity = body["identity"].as_object();
    identity["principalId"] = account.principal_id;
    identity["tenantId"] = account.tenant;
  }
  return body;
}

std::optional<Objection> patch(StorageAccount& account, json::object const& body, KeyDirectory const& keys,
                               Instant now) {
  StorageAccount changed = account;
  if (auto const* identity = object_at(body, "identity"))
    changed.identity_type = string_member(*identity, "type").value_or(changed.identity_type);
  if (auto const* tags = object_at(body, "tags")) {
    changed.tags.clear();
    for (auto const& tag : *tags) {
      if (!tag.value().is_string()) return wrong("tags");
      changed.tags.emplace(tag.key(), tag.value().get_string());
    }
  }
  auto const* properties = object_at(body, "properties");
  auto const* encryption = properties == nullptr ? nullptr : object_at(*properties, "encryption");
  if (encryption != nullptr) {
    if (auto objection = patch_encryption(changed, *encryption, keys, now)) return objection;
  }
  account = std::move(changed);
  return std::nullopt;
}

void follow(StorageAccount& account, KeyDirectory const& keys, Instant at) {
  auto const newest = newer_version(user_of(account), account.active, keys, at);
  if (!newest) return;
  account.active = *newest;
  account.rotated = at;
}

}  // namespace rekeyd::sim::azure::arm
