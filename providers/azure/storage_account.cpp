#include "providers/azure/storage_account.hpp"

#include "providers/azure/letter_case.hpp"
#include "providers/azure/resource_kind.hpp"
#include "providers/json_answer.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <utility>

namespace rekeyd::providers::azure {

namespace json = boost::json;

namespace {

constexpr std::string_view storage_account_type = "microsoft.storage/storageaccounts";

ArmId read_id(JsonObject const& account) {
  auto const text = account.text("id");
  auto const id = ArmId::parse(text);
  bool const sound = id && id->is(storage_account_type);
  if (!sound && !text.empty()) account.note("id", "should be the id of a storage account");
  return id.value_or(ArmId{});
}

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

StorageAccount read_account(JsonObject const& object) {
  StorageAccount account;
  account.id = read_id(object);
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

EncryptedResource encrypted(StorageAccount const& account) { return {account.key, account.registration({})}; }

Result<EncryptedResource> parse(std::string_view body, std::string const& where) {
  auto const account = parse_storage_account(body, where);
  if (!account) return std::unexpected(account.error());
  return encrypted(*account);
}

Result<EncryptedResourcePage> parse_list(std::string_view body, std::string const& where) {
  auto read = parse_storage_accounts(body, where);
  if (!read) return std::unexpected(std::move(read.error()));
  EncryptedResourcePage page;
  for (StorageAccount const& account : read->accounts) page.resources.push_back(encrypted(account));
  page.defects = std::move(read->defects);
  return page;
}

Result<Body> name_key(std::string_view as_read, std::string const& where, KeyIdentifier const& key) {
  auto const account = parse_storage_account(as_read, where);
  if (!account) return std::unexpected(account.error());
  return write_account_key(*account, key);
}

// It looks for a new version once a day (azure-docs, storage/common/customer-managed-keys-overview); an hour
// more before anybody is alarmed.
constexpr auto lag = std::chrono::hours(25);

}  // namespace

ResourceKind const storage_accounts{.type = storage_account_type,
                                    .list = "Microsoft.Storage/storageAccounts",
                                    .api_version = "2019-06-01",
                                    .following_lag = lag,
                                    .parse = parse,
                                    .parse_list = parse_list,
                                    .name_key = name_key};

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

Result<StorageAccount> parse_storage_account(std::string_view body, std::string const& where) {
  JsonAnswer answer(body);
  StorageAccount account = read_account(answer.root());
  if (!answer.sound()) return std::unexpected(answer.error(where));
  return account;
}

Result<StorageAccountPage> parse_storage_accounts(std::string_view body, std::string const& where) {
  JsonAnswer answer(body);
  StorageAccountPage page;
  for (JsonObject const& entry : answer.root().objects_if("value")) {
    JsonDefect defect;
    StorageAccount account = read_account(entry.reporting_to(defect));
    if (defect.none()) {
      page.accounts.push_back(std::move(account));
    } else {
      page.defects.push_back(malformed_answer(defect, where));
    }
  }
  if (!answer.sound()) return std::unexpected(answer.error(where));
  return page;
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
