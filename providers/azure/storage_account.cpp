#include "providers/azure/storage_account.hpp"

#include "providers/azure/arm_answer.hpp"
#include "providers/azure/letter_case.hpp"
#include "providers/azure/resource_kind.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <utility>

namespace rekeyd::providers::azure {

namespace json = boost::json;

namespace {

constexpr std::string_view storage_account_type = "microsoft.storage/storageaccounts";

/// The version in use is told beside the key's name, and is the only word on it where no version is pinned.
KeyIdentifier read_key(JsonObject const& properties, StorageAccount& account) {
  std::string vault = properties.text("keyvaulturi");
  if (vault.ends_with('/')) vault.pop_back();
  std::string const name = properties.text("keyname");
  std::string const pinned = properties.text_if("keyversion");
  account.pinned = !pinned.empty();
  bool const speakable = is_key_name(name) && (!account.pinned || is_version_id(pinned));
  auto key =
      KeyIdentifier::parse(fmt::format("{}/keys/{}{}{}", vault, name, account.pinned ? "/" : "", pinned));
  if (!key || !speakable) {
    properties.note("keyvaulturi", "should be the URL of a vault, beside the name of a key");
    return {};
  }
  auto const in_use = KeyIdentifier::parse(properties.text_if("currentVersionedKeyIdentifier"));
  bool const of_this_key = in_use && in_use->host == key->host && in_use->name == key->name;
  if (of_this_key) key->version = in_use->version;
  return *std::move(key);
}

EncryptedResource read(JsonObject const& entry) {
  StorageAccount const account = read_storage_account(entry);
  return {account.key, account.registration({})};
}

Body name_key(JsonObject const& as_read, KeyIdentifier const& key) {
  return write_account_key(read_storage_account(as_read), key);
}

// It looks for a new version once a day (azure-docs, storage/common/customer-managed-keys-overview); an hour
// more before anybody is alarmed.
constexpr auto lag = std::chrono::hours(25);

}  // namespace

ResourceKind const storage_accounts{.type = storage_account_type,
                                    .list = "Microsoft.Storage/storageAccounts",
                                    .api_version = "2019-06-01",
                                    .following_lag = lag,
                                    .read = read,
                                    .name_key = name_key};

StorageAccount read_storage_account(JsonObject const& object) {
  StorageAccount account;
  account.id = read_arm_id(object, storage_account_type, "a storage account");
  account.identity = object.object_if("identity").text_if("type");
  JsonObject const encryption = object.object_if("properties").object_if("encryption");
  account.key_source = encryption.text_if("keySource");
  account.user_identity = encryption.object_if("identity").text_if("userAssignedIdentity");
  if (lower_case(account.key_source) != "microsoft.keyvault") return account;
  JsonObject const properties = encryption.object("keyvaultproperties");
  account.key = read_key(properties, account);
  account.last_rotation = properties.date_if("lastKeyRotationTimestamp");
  return account;
}

std::optional<ResourceCondition> StorageAccount::condition() const {
  if (identity.empty() || lower_case(identity) == "none") {
    return ResourceCondition{"no_identity",
                             "the storage account has no identity any more: it cannot use its key",
                             "give it an identity, and that identity get, wrapKey and unwrapKey on the key"};
  }
  return std::nullopt;
}

Registration StorageAccount::registration(KeyRef root_key) const {
  Registration tie;
  tie.key = std::move(root_key);
  tie.resource = id.resource();
  tie.kind = "storage-account";
  if (!key.version.empty()) tie.version = VersionId(key.version);
  tie.prevents_deletion = true;
  tie.updated = last_rotation;
  tie.condition = condition();
  tie.details["identity"] = identity;
  if (pinned) {
    tie.following = Following::when_told;
  } else if (tie.version) {
    tie.following = Following::by_itself;
  }
  return tie;
}

// What encrypts besides (services, infrastructure encryption) is left out and stays. keySource has to be
// there, and the identity is repeated: it is the one that may use the key.
Body write_account_key(StorageAccount const& account, KeyIdentifier const& key) {
  json::object const properties{{"keyname", key.name},
                                {"keyvaulturi", "https://" + key.host},
                                {"keyversion", account.pinned ? key.version : std::string()}};
  json::object encryption{{"keySource", account.key_source}, {"keyvaultproperties", properties}};
  if (!account.user_identity.empty()) {
    encryption["identity"] = json::object{{"userAssignedIdentity", account.user_identity}};
  }
  std::string const text =
      json::serialize(json::object{{"properties", json::object{{"encryption", std::move(encryption)}}}});
  return {text.data(), text.size()};
}

}  // namespace rekeyd::providers::azure
