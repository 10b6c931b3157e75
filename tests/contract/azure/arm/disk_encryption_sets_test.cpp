#include "tests/contract/azure/arm/arm_caller.hpp"

#include <catch2/catch.hpp>

using namespace rekeyd::sim;
using namespace rekeyd::sim::test;
namespace json = boost::json;
using std::chrono::minutes;

namespace {

std::string const des1 = std::string(ArmCaller::sets) + "des1";
std::string const group = std::string("/subscriptions/") + subscription + "/resourceGroups/Prod";

ArmWorld sets(std::string list) {
  return {std::move(list), "{ name: vm1, disk_encryption_set: des1 }", {}, {}};
}
ArmWorld const plain = sets("{ name: des1, key: kv1/disk }");

json::object key_body(std::string const& url) { return {{"properties", {{"activeKey", {{"keyUrl", url}}}}}}; }

std::string const no_version = "https://kv1.vault.azure.net/keys/disk";
std::string const unknown_version = no_version + "/0123456789abcdef0123456789abcdef";

}  // namespace

TEST_CASE("A disk encryption set is written as recorded, and without what is not set") {
  ArmCaller arm(plain);
  auto const set = arm.get(des1);
  REQUIRE(set.status == 200);
  CHECK(set.at("id") == group + ArmCaller::sets + "des1");
  CHECK(set.at("type") == "Microsoft.Compute/diskEncryptionSets");
  CHECK(set.at("identity/type") == "SystemAssigned");
  CHECK_FALSE(set.at("identity/principalId").empty());
  CHECK(set.at("properties/encryptionType") == "EncryptionAtRestWithCustomerKey");
  CHECK(set.at("properties/activeKey/keyUrl") == arm.current("disk"));
  CHECK(set.at("properties/activeKey/sourceVault/id") == group + "/providers/Microsoft.KeyVault/vaults/kv1");
  CHECK(set.at("properties/provisioningState") == "Succeeded");
  for (char const* member : {"previousKeys", "rotationToLatestKeyVersionEnabled", "lastKeyRotationTimestamp",
                             "autoKeyRotationError", "federatedClientId"}) {
    CHECK_FALSE(set.value("properties").as_object().contains(member));
  }
}

TEST_CASE("A key change is accepted with two long URLs, and ends by itself") {
  ArmCaller arm(plain);
  auto const before = arm.current("disk");
  auto const next = arm.rotate("disk");
  auto const accepted = arm.change_key("des1", next);
  REQUIRE(accepted.status == 202);
  for (char const* header : {"azure-asyncoperation", "location"}) {
    auto const url = accepted.header(header);
    CHECK(url.find("/providers/Microsoft.Compute/locations/westeurope/DiskOperations/") != std::string::npos);
    CHECK(url.size() > 3000);
    CHECK(url.size() < 4096);
  }
  CHECK(accepted.at("properties/provisioningState") == "Updating");
  auto const under_way = arm.get(des1);
  CHECK(under_way.at("properties/activeKey/keyUrl") == next);
  CHECK(under_way.value("properties/previousKeys").at(0).at("keyUrl") == before.c_str());
  CHECK(arm.status(accepted).at("status") == "InProgress");
  arm.wait(minutes(1));
  auto const ended = arm.status(accepted);
  CHECK(ended.at("status") == "Succeeded");
  CHECK(ended.at("properties/output/properties/activeKey/keyUrl") == next);
  CHECK(arm.follow(accepted.header("location")).at("properties/provisioningState") == "Succeeded");
  CHECK(arm.get(des1).at("properties/lastKeyRotationTimestamp") == "2026-01-31T12:00:00.0000000+00:00");
  CHECK(arm.machine_truth("vm1").key_version == next);
  CHECK(arm.power("vm1") == "running");
}

TEST_CASE("An operation's URL is good only as it was given, and for about a day") {
  ArmCaller arm(plain);
  auto const accepted = arm.change_key("des1", arm.rotate("disk"));
  auto url = accepted.header("azure-asyncoperation");
  CHECK(arm.follow(url.substr(0, url.find("&s="))).status == 404);
  CHECK(arm.follow(url.substr(0, url.find("?p=")) + "?api-version=2023-10-02").status == 404);
  arm.wait(std::chrono::hours(23));
  CHECK(arm.follow(url).status == 200);
  arm.wait(std::chrono::hours(4));
  CHECK(arm.follow(url).status == 404);
}

TEST_CASE("Retry-After and short URLs come when the world says so") {
  ArmWorld world = plain;
  world.extra = "  resource_manager: { retry_after_s: 7, signed_urls: false, key_change_s: 100 }\n";
  ArmCaller arm(world);
  auto const accepted = arm.change_key("des1", arm.rotate("disk"));
  CHECK(accepted.header("retry-after") == "7");
  CHECK(accepted.header("location").size() < 400);
  CHECK(arm.status(accepted).header("retry-after") == "7");
  arm.wait(std::chrono::seconds(101));
  CHECK(arm.status(accepted).at("status") == "InProgress");
  arm.wait(std::chrono::seconds(1));
  CHECK(arm.status(accepted).header("retry-after").empty());
}

TEST_CASE("A version that the set's identity cannot use fails in the operation, and the old key stays") {
  ArmCaller arm(plain);
  auto const before = arm.current("disk");
  auto const disabled = arm.rotate("disk");
  arm.azure.patch("/keys/disk/" + disabled.substr(disabled.rfind('/') + 1),
                  {{"attributes", {{"enabled", false}}}});
  for (auto const& [url, code] :
       {std::pair{disabled, "KeyVaultKeyNotEnabled"}, std::pair{unknown_version, "KeyVaultKeyNotFound"}}) {
    auto const accepted = arm.change_key("des1", url);
    REQUIRE(accepted.status == 202);
    arm.wait(minutes(1));
    auto const failed = arm.status(accepted);
    CHECK(failed.status == 200);
    CHECK(failed.at("status") == "Failed");
    CHECK(failed.at("error/code") == code);
    auto const set = arm.get(des1);
    CHECK(set.at("properties/provisioningState") == "Failed");
    CHECK(set.at("properties/activeKey/keyUrl") == before);
    CHECK(arm.machine_truth("vm1").key_version == before);
  }
  arm.change_key("des1", before);
  arm.wait(minutes(1));
  CHECK(arm.get(des1).at("properties/provisioningState") == "Succeeded");
}

TEST_CASE("A change needs the set's identity and its right to the key") {
  ArmCaller arm(sets(
      "{ name: des1, key: kv1/disk, identity: None }, { name: des2, key: kv1/disk, key_access: false }"));
  auto const next = arm.rotate("disk");
  auto const first = arm.change_key("des1", next);
  auto const second = arm.change_key("des2", next);
  arm.wait(minutes(1));
  CHECK(arm.status(first).at("error/code") == "ManagedServiceIdentityNotFound");
  CHECK(arm.status(second).at("error/code") == "KeyVaultAccessForbidden");
  CHECK_FALSE(arm.machine_truth("vm1").can_start);
}

TEST_CASE("Requests that make no sense are refused at once") {
  ArmCaller arm(plain);
  json::object const other_vault{
      {"id", "/subscriptions/bbbb/resourceGroups/x/providers/Microsoft.KeyVault/vaults/kv1"}};
  json::object const wrong_name{{"id", group + "/providers/Microsoft.KeyVault/vaults/kv2"}};
  json::object const key{{"keyUrl", unknown_version}};
  auto with_vault = [&](json::object const& vault) {
    json::object both = key;
    both["sourceVault"] = vault;
    return json::object{{"properties", {{"activeKey", both}}}};
  };
  for (json::object const& body :
       {key_body(no_version), key_body("http://kv1.vault.azure.net/keys/disk/1"), key_body("disk/1"),
        json::object{{"properties", {{"activeKey", "disk"}}}}, json::object{{"properties", 7}},
        json::object{{"properties", {{"provisioningState", "Succeeded"}}}},
        json::object{{"location", "westeurope"}}, json::object{{"tags", {{"a", 1}}}},
        json::object{{"identity", {{"type", "Nobody"}}}},
        json::object{{"properties", {{"encryptionType", "None"}}}},
        json::object{{"properties", {{"rotationToLatestKeyVersionEnabled", "yes"}}}}, with_vault(other_vault),
        with_vault(wrong_name)}) {
    auto const reply = arm.patch(des1, body);
    INFO(json::serialize(body));
    CHECK(reply.status == 400);
    CHECK(reply.at("error/code") == "InvalidParameter");
  }
  CHECK(arm.call("PATCH", des1).at("error/code") == "InvalidRequestContent");
  CHECK(arm.patch(std::string(ArmCaller::sets) + "none", key_body(unknown_version)).status == 404);
  CHECK(arm.get(des1).at("properties/provisioningState") == "Succeeded");
}

TEST_CASE("Only one change of a set at a time") {
  ArmCaller arm(plain);
  auto const next = arm.rotate("disk");
  CHECK(arm.change_key("des1", next).status == 202);
  auto const second = arm.change_key("des1", next);
  CHECK(second.status == 409);
  CHECK(second.at("error/code") == "Conflict");
}

TEST_CASE("A change can go on for ever, or fail by the service's own fault") {
  ArmCaller arm(plain);
  auto const before = arm.current("disk");
  auto const next = arm.rotate("disk");
  arm.people_at_set("des1", "stick");
  arm.people_at_set("des1", "fail-change", {{"code", "InternalExecutionError"}});
  auto const stuck = arm.change_key("des1", next);
  arm.wait(std::chrono::hours(10));
  CHECK(arm.status(stuck).at("status") == "InProgress");
  CHECK(arm.change_key("des1", next).status == 409);
  arm.people_at_set("des1", "let-go");
  CHECK(arm.status(stuck).at("error/code") == "InternalExecutionError");
  CHECK(arm.active_key("des1") == before);
  arm.change_key("des1", next);
  arm.wait(minutes(1));
  CHECK(arm.active_key("des1") == next);
}

TEST_CASE("Tags are changed at once, and the type of a set in use not at all") {
  ArmCaller arm(plain);
  auto const tagged = arm.patch(des1, {{"tags", {{"tier", "pci"}}}});
  CHECK(tagged.status == 200);
  CHECK(arm.get(des1).at("tags/tier") == "pci");
  auto const retyped =
      arm.patch(des1, {{"properties", {{"encryptionType", "EncryptionAtRestWithPlatformAndCustomerKeys"}}}});
  CHECK(retyped.status == 409);
  CHECK(retyped.at("error/code") == "PropertyChangeNotAllowed");
}

TEST_CASE("A PUT of the whole object changes the key, as the command line does it") {
  ArmCaller arm(plain);
  auto const next = arm.rotate("disk");
  auto whole = arm.get(des1).json.as_object();
  whole["properties"].as_object()["activeKey"].as_object()["keyUrl"] = next;
  auto const accepted = arm.put(des1, whole);
  REQUIRE(accepted.status == 202);
  arm.wait(minutes(1));
  CHECK(arm.status(accepted).at("status") == "Succeeded");
  CHECK(arm.active_key("des1") == next);
}

TEST_CASE("A PUT under a new name makes a set") {
  ArmCaller arm(plain);
  json::object body{{"location", "westeurope"}, {"identity", {{"type", "SystemAssigned"}}}};
  body["properties"] = {{"activeKey", {{"keyUrl", arm.current("disk")}}}};
  auto const accepted = arm.put(std::string(ArmCaller::sets) + "fresh", body);
  REQUIRE(accepted.status == 202);
  arm.wait(minutes(1));
  CHECK(arm.status(accepted).at("status") == "Succeeded");
  CHECK(
      arm.get(std::string(ArmCaller::sets) + "fresh").value("properties/lastKeyRotationTimestamp").is_null());
  body["properties"] = {{"activeKey", {{"keyUrl", unknown_version}}}};
  auto const bad = arm.put(std::string(ArmCaller::sets) + "bad", body);
  arm.wait(minutes(1));
  CHECK(arm.status(bad).at("error/code") == "KeyVaultKeyNotFound");
  body.erase("location");
  CHECK(arm.put(std::string(ArmCaller::sets) + "worse", body).status == 400);
}

TEST_CASE("Disks and snapshots of a set are listed over pages") {
  ArmWorld world = plain;
  world.machines = "{ name: 'vm{n}', count: 3, data_disks: 1, disk_encryption_set: des1 }";
  world.more =
      "snapshots: [{ name: snap, disk_encryption_set: des1 }], disks: [{ name: spare, disk_encryption_set: "
      "des1 }], ";
  world.extra = "  resource_manager: { page_size: 5 }\n";
  ArmCaller arm(world);
  auto page = arm.get(des1 + "/associatedResources");
  CHECK(page.json.at("value").as_array().size() == 5);
  page = arm.follow(page.at("nextLink"));
  CHECK(page.json.at("value").as_array().size() == 3);
  CHECK(page.at("nextLink").empty());
  CHECK(page.json.at("value").at(2) == (std::string("/subscriptions/") + subscription +
                                        "/resourceGroups/PROD/providers/Microsoft.Compute/snapshots/snap")
                                           .c_str());
  auto const spare = arm.get("/providers/Microsoft.Compute/disks/spare");
  CHECK(spare.at("properties/diskState") == "Unattached");
  CHECK(spare.at("properties/encryption/diskEncryptionSetId").ends_with("/des1"));
  CHECK(arm.get("/providers/Microsoft.Compute/snapshots").json.at("value").as_array().size() == 1);
  CHECK(arm.get("/providers/Microsoft.Compute/snapshots/snap").status == 200);
}

TEST_CASE("A set in a managed HSM's name or in another subscription names no source vault") {
  ArmCaller arm(sets("{ name: des1, key: kv1/disk, source_vault: false }"));
  CHECK(arm.get(des1).value("properties/activeKey/sourceVault").is_null());
}

TEST_CASE("People change a set's key by hand, and the same rules hold for them") {
  ArmCaller arm(plain);
  auto const next = arm.rotate("disk");
  CHECK(arm.people_at_set("des1", "set-key", {{"key_url", next}}).status == 204);
  arm.wait(minutes(1));
  CHECK(arm.active_key("des1") == next);
  CHECK(arm.people_at_set("des1", "set-key", {{"key_url", no_version}}).status == 400);
  CHECK(arm.people_at_set("des1", "dance").status == 400);
  CHECK(arm.people_at_set("none", "follow").status == 404);
  CHECK(arm.people("vm1", "dance").status == 400);
}

TEST_CASE("What happened grows older with the world") {
  ArmCaller arm(plain);
  arm.change_key("des1", arm.rotate("disk"));
  CHECK(arm.control("/time-passed", {{"seconds", 600}}).status == 204);
  auto const set = arm.get(des1);
  CHECK(set.at("properties/provisioningState") == "Succeeded");
  CHECK(set.at("properties/lastKeyRotationTimestamp") == "2026-01-31T11:50:00.0000000+00:00");
}

TEST_CASE("The control host shows machines and sets as they are") {
  ArmCaller arm(plain);
  auto const state = AzureCaller::reply(arm.azure.raw("GET", "sim.localhost", "/state"));
  auto const& services = state.json.at("services").as_array();
  auto const& manager = services.back().as_object();
  CHECK(manager.at("service") == "azure-resource-manager");
  CHECK(manager.at("virtual_machines").at(machine_key("vm1")).at("power") == "running");
  CHECK(manager.at("disk_encryption_sets").at(set_key("des1")).at("complete") == true);
}
