#include "tests/contract/azure/arm/arm_caller.hpp"

#include <catch2/catch.hpp>

using namespace rekeyd::sim;
using namespace rekeyd::sim::test;
namespace json = boost::json;
using std::chrono::minutes;

namespace {

std::string const accounts = "/providers/Microsoft.Storage/storageAccounts";
std::string const servers = "/providers/Microsoft.Sql/servers";
std::string const protector = servers + "/sql1/encryptionProtector/current";
std::string const used_key = "properties/encryption/keyvaultproperties/currentVersionedKeyIdentifier";

ArmWorld with(std::string more) { return {{}, {}, std::move(more), {}}; }
ArmWorld storage(std::string const& list) { return with("storage_accounts: [" + list + "], "); }
ArmWorld sql(std::string const& list) { return with("sql_servers: [" + list + "], "); }

json::object key_properties(std::string const& name, std::string const& version) {
  json::object key{{"keyname", name}, {"keyvaulturi", "https://kv1.vault.azure.net"}};
  if (!version.empty()) key["keyversion"] = version;
  return {
      {"properties", {{"encryption", {{"keySource", "Microsoft.Keyvault"}, {"keyvaultproperties", key}}}}}};
}

std::string version_of(std::string const& url) { return url.substr(url.rfind('/') + 1); }
std::string server_key(std::string const& url) { return "kv1_disk_" + version_of(url); }

Reply put_key(ArmCaller& arm, std::string const& url) {
  return arm.put(servers + "/sql1/keys/" + server_key(url),
                 {{"properties", {{"serverKeyType", "AzureKeyVault"}, {"uri", url}}}});
}

Reply put_protector(ArmCaller& arm, std::string const& name, bool rotates = false) {
  return arm.put(
      protector,
      {{"properties",
        {{"serverKeyType", "AzureKeyVault"}, {"serverKeyName", name}, {"autoRotationEnabled", rotates}}}});
}

}  // namespace

TEST_CASE("A storage account that names no version follows within a day") {
  ArmCaller arm(storage("{ name: sa1, key: kv1/disk }"));
  auto const before = arm.current("disk");
  auto const account = arm.get(accounts + "/sa1");
  CHECK(account.at("properties/encryption/keySource") == "Microsoft.Keyvault");
  CHECK(account.at(used_key) == before);
  CHECK(account.value("properties/encryption/keyvaultproperties/keyversion").is_null());
  CHECK(account.at("properties/encryption/keyvaultproperties/keyvaulturi") == "https://kv1.vault.azure.net/");
  auto const next = arm.rotate("disk");
  CHECK(arm.get(accounts + "/sa1").at(used_key) == before);
  arm.wait(std::chrono::hours(25));
  CHECK(arm.get(accounts + "/sa1").at(used_key) == next);
}

TEST_CASE("A storage account that pins a version moves when it is told to, at once") {
  ArmCaller arm(storage("{ name: sa1, key: kv1/disk, pins_version: true }"));
  auto const before = arm.current("disk");
  auto const next = arm.rotate("disk");
  arm.wait(std::chrono::hours(49));
  CHECK(arm.get(accounts + "/sa1").at(used_key) == before);
  auto const moved = arm.patch(accounts + "/sa1", key_properties("disk", version_of(next)));
  CHECK(moved.status == 200);
  CHECK(moved.at(used_key) == next);
  CHECK(moved.at("properties/encryption/keyvaultproperties/keyversion") == version_of(next));
  CHECK(moved.at("properties/encryption/keyvaultproperties/lastKeyRotationTimestamp") ==
        "2026-02-02T13:00:00.0000000Z");
  CHECK(arm.get(accounts + "/sa1").at(used_key) == next);
}

TEST_CASE("A storage account told no version, or an empty one, follows from then on") {
  ArmCaller arm(
      storage("{ name: sa1, key: kv1/disk, pins_version: true, versions_behind: 1 }, { name: sa2 }"));
  CHECK(arm.get(accounts + "/sa1").at(used_key) != arm.current("disk"));
  CHECK(arm.get(accounts + "/sa2").at("properties/encryption/keySource") == "Microsoft.Storage");
  auto empty = key_properties("disk", "x");
  empty["properties"].at("encryption").at("keyvaultproperties").as_object()["keyversion"] = "";
  CHECK(arm.patch(accounts + "/sa1", empty).at(used_key) == arm.current("disk"));
  CHECK(arm.patch(accounts + "/sa2", key_properties("disk", {})).at(used_key) == arm.current("disk"));
  auto const next = arm.rotate("disk");
  arm.wait(std::chrono::hours(24));
  CHECK(arm.get(accounts + "/sa1").at(used_key) == next);
  CHECK(arm.get(accounts + "/sa2").at(used_key) == next);
}

TEST_CASE("A storage account refuses a key that it cannot use, and stays as it is") {
  ArmCaller arm(storage("{ name: sa1, key: kv1/disk }, { name: sa2, key: kv1/disk, key_access: false }"));
  auto const before = arm.current("disk");
  auto const unknown = arm.patch(accounts + "/sa1", key_properties("disk", std::string(32, '0')));
  CHECK(unknown.status == 400);
  CHECK(unknown.at("error/code") == "KeyVaultKeyNotFound");
  CHECK(arm.patch(accounts + "/sa2", key_properties("disk", {})).at("error/code") ==
        "KeyVaultAccessForbidden");
  CHECK(arm.patch(accounts + "/sa1", key_properties("", {})).status == 400);
  CHECK(arm.patch(accounts + "/sa1", {{"properties", {{"encryption", {{"keySource", "Mine"}}}}}}).status ==
        400);
  CHECK(arm.call("PATCH", accounts + "/sa1").status == 400);
  CHECK(arm.patch(accounts + "/none", key_properties("disk", {})).status == 404);
  CHECK(arm.get(accounts + "/sa1").at(used_key) == before);
}

TEST_CASE("Storage accounts and SQL servers are listed in the group and in the subscription") {
  ArmCaller arm(with("storage_accounts: [{ name: sa1 }, { name: sa2 }], sql_servers: [{ name: sql1 }], "));
  std::string const sub = std::string("/subscriptions/") + subscription;
  CHECK(arm.get(accounts).json.at("value").as_array().size() == 2);
  CHECK(arm.get(sub + accounts).json.at("value").as_array().size() == 2);
  CHECK(arm.get(servers).json.at("value").as_array().size() == 1);
  CHECK(arm.get(sub + servers).json.at("value").at(0).at("properties").at("state") == "Ready");
  CHECK(arm.get(servers + "/sql1").at("type") == "Microsoft.Sql/servers");
  CHECK(arm.get(servers + "/none").status == 404);
}

TEST_CASE("A SQL server gets the new version as a key, and then as its protector, by operations") {
  ArmCaller arm(sql("{ name: sql1, key: kv1/disk }"));
  auto const before = arm.current("disk");
  CHECK(arm.get(protector).at("properties/uri") == before);
  CHECK(arm.get(protector).at("properties/serverKeyName") == server_key(before));
  auto const next = arm.rotate("disk");
  auto const accepted = put_key(arm, next);
  REQUIRE(accepted.status == 202);
  CHECK(accepted.at("operation") == "UpsertLogicalServerEncryptionKeys");
  CHECK(accepted.header("azure-asyncoperation")
            .find("/Microsoft.Sql/locations/westeurope/serverKeyAzureAsyncOperation/") != std::string::npos);
  CHECK(arm.status(accepted).at("status") == "InProgress");
  CHECK(arm.follow(accepted.header("location")).status == 202);
  CHECK(put_protector(arm, server_key(before)).status == 409);
  arm.wait(minutes(1));
  CHECK(arm.status(accepted).at("status") == "Succeeded");
  CHECK(arm.follow(accepted.header("location")).at("properties/uri") == next);
  CHECK(arm.get(servers + "/sql1/keys/" + server_key(next)).at("properties/serverKeyType") ==
        "AzureKeyVault");
  CHECK(arm.get(protector).at("properties/uri") == before);

  auto const moved = put_protector(arm, server_key(next));
  REQUIRE(moved.status == 202);
  arm.wait(minutes(1));
  CHECK(arm.follow(moved.header("location")).at("properties/uri") == next);
  CHECK(arm.get(protector).at("properties/serverKeyName") == server_key(next));
  CHECK(arm.get(servers + "/sql1").at("properties/keyId") == next);
  // The old version stays a key of the server, and Microsoft's own is listed beside them.
  CHECK(arm.get(servers + "/sql1/keys").json.at("value").as_array().size() == 3);
}

TEST_CASE("A protector that rotates by itself follows within the hour, and takes the version as a key") {
  ArmCaller arm(sql("{ name: sql1, key: kv1/disk, auto_rotation: true }"));
  CHECK(arm.get(protector).value("properties/autoRotationEnabled") == true);
  auto const next = arm.rotate("disk");
  arm.wait(minutes(61));
  CHECK(arm.get(protector).at("properties/uri") == next);
  CHECK(arm.get(servers + "/sql1/keys/" + server_key(next)).status == 200);
}

TEST_CASE("A protector that does not rotate by itself stays, and is told to from then on") {
  ArmCaller arm(sql("{ name: sql1, key: kv1/disk }"));
  auto const before = arm.current("disk");
  auto const next = arm.rotate("disk");
  arm.wait(std::chrono::hours(3));
  CHECK(arm.get(protector).at("properties/uri") == before);
  put_protector(arm, server_key(before), true);
  arm.wait(minutes(62));
  CHECK(arm.get(protector).at("properties/uri") == next);
}

TEST_CASE(
    "A SQL server refuses keys under a wrong name, without a version or unknown, and fails on unusable "
    "ones") {
  ArmCaller arm(sql("{ name: sql1 }"));
  auto const key = arm.current("disk");
  CHECK(arm.get(protector).at("properties/serverKeyType") == "ServiceManaged");
  json::object body{{"properties", {{"serverKeyType", "AzureKeyVault"}, {"uri", key}}}};
  CHECK(arm.put(servers + "/sql1/keys/mine", body).at("error/code") == "InvalidServerKeyName");
  body["properties"].as_object()["uri"] = "https://kv1.vault.azure.net/keys/disk";
  CHECK(arm.put(servers + "/sql1/keys/" + server_key(key), body).at("error/code") == "InvalidKeyVaultUri");
  CHECK(put_protector(arm, "kv1_disk_unknown").at("error/code") == "ServerKeyNotFound");
  CHECK(arm.put(protector, {{"properties", {{"serverKeyType", "Mine"}}}}).status == 400);
  CHECK(arm.put(protector, json::object{}).status == 400);
  CHECK(arm.call("PUT", protector).status == 400);
  std::string const unknown = "https://kv1.vault.azure.net/keys/disk/" + std::string(32, '0');
  auto const accepted = put_key(arm, unknown);
  REQUIRE(accepted.status == 202);
  arm.wait(minutes(1));
  CHECK(arm.status(accepted).at("status") == "Failed");
  CHECK(arm.status(accepted).at("error/code") == "KeyVaultKeyNotFound");
  CHECK(arm.follow(accepted.header("location")).status == 409);
  CHECK(arm.get(servers + "/sql1/keys/" + server_key(unknown)).status == 404);
}

TEST_CASE("A SQL server goes back to Microsoft's own key") {
  ArmCaller arm(sql("{ name: sql1, key: kv1/disk }"));
  arm.put(protector,
          {{"properties", {{"serverKeyType", "ServiceManaged"}, {"serverKeyName", "ServiceManaged"}}}});
  arm.wait(minutes(1));
  CHECK(arm.get(protector).at("properties/serverKeyName") == "ServiceManaged");
  CHECK(arm.get(protector).value("properties/uri").is_null());
}
