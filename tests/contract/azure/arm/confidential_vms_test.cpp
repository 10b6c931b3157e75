#include "tests/contract/azure/arm/arm_caller.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace rekeyd::sim;
using namespace rekeyd::sim::test;
using std::chrono::minutes;

namespace {

ArmWorld confidential(std::string machines) {
  return {"{ name: des1, type: confidential-vm, key: kv1/cvm }", std::move(machines), {}, {}};
}

std::string const stopped =
    "{ name: 'vm{n}', count: 4, security: confidential, disk_encryption_set: des1, power: deallocated }";

std::vector<std::string> keys_in_use(ArmCaller const& arm) {
  std::vector<std::string> keys;
  for (auto const& machine : arm.azure.cloud->resources_as_they_are(arm.azure.now).virtual_machines)
    keys.push_back(machine.key_version);
  return keys;
}

}  // namespace

TEST_CASE("The key of confidential VMs cannot be changed while one of them is not deallocated") {
  for (std::string const power : {"running", "stopped", "starting", "deallocating"}) {
    ArmCaller arm(confidential(
        fmt::format("{}, {{ name: late, security: confidential, disk_encryption_set: des1, power: {} }}",
                    stopped, power)));
    auto const before = arm.current("cvm");
    auto const refused = arm.change_key("des1", arm.rotate("cvm"));
    CHECK(refused.status == 409);
    CHECK(refused.at("error/code") == "OperationNotAllowed");
    CHECK(refused.at("error/message").find("'late'") != std::string::npos);
    CHECK(arm.active_key("des1") == before);
    CHECK(arm.set_truth("des1").complete);
  }
}

TEST_CASE("With all of them deallocated the change goes through, and they boot from the new version") {
  ArmCaller arm(confidential(stopped));
  auto const next = arm.rotate("cvm");
  auto const accepted = arm.change_key("des1", next);
  REQUIRE(accepted.status == 202);
  CHECK(accepted.at("properties/provisioningState") == "Updating");
  CHECK(arm.set_truth("des1").changing);
  arm.wait(minutes(1));
  CHECK(arm.status(accepted).at("status") == "Succeeded");
  CHECK(arm.active_key("des1") == next);
  CHECK(arm.set_truth("des1").complete);
  for (auto const& key : keys_in_use(arm)) CHECK(key == next);
  arm.post(std::string(ArmCaller::machines) + "vm1/start");
  arm.wait(minutes(2));
  CHECK(arm.power("vm1") == "running");
}

TEST_CASE("Whoever starts a machine while the change is under way makes it fail, and none gets the new key") {
  ArmCaller arm(confidential(stopped));
  auto const before = arm.current("cvm");
  auto const accepted = arm.change_key("des1", arm.rotate("cvm"));
  CHECK(arm.people("vm3", "start").status == 204);
  arm.wait(minutes(1));
  CHECK(arm.status(accepted).at("status") == "Failed");
  CHECK(arm.status(accepted).at("error/code") == "OperationNotAllowed");
  CHECK(arm.active_key("des1") == before);
  for (auto const& key : keys_in_use(arm)) CHECK(key == before);
  CHECK(arm.power("vm3") == "running");
}

TEST_CASE("A partial change that shows the old version in previousKeys is completed by the same PATCH") {
  ArmCaller arm(confidential(stopped));
  auto const before = arm.current("cvm");
  auto const next = arm.rotate("cvm");
  arm.people_at_set("des1", "partial", {{"times", 1}, {"shape", "previous-keys"}});
  arm.change_key("des1", next);
  arm.wait(minutes(1));
  auto const partial = arm.get(std::string(ArmCaller::sets) + "des1");
  CHECK(partial.at("properties/activeKey/keyUrl") == next);
  CHECK(partial.at("properties/provisioningState") == "Updating");
  CHECK(partial.value("properties/previousKeys").at(0).at("keyUrl") == before.c_str());
  CHECK(keys_in_use(arm) == std::vector{next, next, before, before});
  CHECK_FALSE(arm.set_truth("des1").complete);

  REQUIRE(arm.change_key("des1", next).status == 202);
  arm.wait(minutes(1));
  auto const whole = arm.get(std::string(ArmCaller::sets) + "des1");
  CHECK(whole.value("properties/previousKeys").is_null());
  CHECK(whole.at("properties/provisioningState") == "Succeeded");
  CHECK(arm.set_truth("des1").complete);
}

TEST_CASE("A partial change can also leave the set on the old key, with some machines on the new one") {
  ArmCaller arm(confidential(stopped));
  auto const before = arm.current("cvm");
  auto const next = arm.rotate("cvm");
  arm.people_at_set("des1", "partial", {{"times", 2}, {"shape", "old-key"}});
  arm.change_key("des1", next);
  arm.wait(minutes(1));
  CHECK(arm.active_key("des1") == before);
  CHECK(keys_in_use(arm) == std::vector{next, next, before, before});
  CHECK_FALSE(arm.set_truth("des1").complete);
  arm.change_key("des1", next);
  arm.wait(minutes(1));
  CHECK(arm.active_key("des1") == before);
  arm.change_key("des1", next);
  arm.wait(minutes(1));
  CHECK(arm.active_key("des1") == next);
  CHECK(arm.set_truth("des1").complete);
}

TEST_CASE("A confidential VM does not boot from a version that cannot be released to it") {
  ArmCaller arm(confidential(stopped));
  auto const bare = arm.azure.post("/keys/cvm/create", {{"kty", "RSA-HSM"}}).at("key/kid");
  arm.change_key("des1", bare);
  arm.wait(minutes(1));
  CHECK(arm.active_key("des1") == bare);
  CHECK_FALSE(arm.machine_truth("vm1").can_start);
  auto const start = arm.post(std::string(ArmCaller::machines) + "vm1/start");
  arm.wait(minutes(2));
  CHECK(arm.status(start).at("status") == "Failed");
  CHECK(arm.provisioning("vm1").starts_with("ProvisioningState/failed/KeyVault"));
  CHECK(arm.power("vm1") == "deallocated");
}

TEST_CASE("A machine with an ephemeral OS disk blocks the change and cannot be deallocated") {
  ArmCaller arm(confidential(
      "{ name: vm1, security: confidential, disk_encryption_set: des1, ephemeral_os_disk: true }"));
  CHECK(arm.change_key("des1", arm.rotate("cvm")).at("error/code") == "OperationNotAllowed");
  auto const refused = arm.post(std::string(ArmCaller::machines) + "vm1/deallocate");
  CHECK(refused.status == 409);
  CHECK(refused.at("error/code") == "OperationNotAllowed");
  CHECK(
      arm.get(std::string(ArmCaller::sets) + "des1/associatedResources").json.at("value").as_array().empty());
  auto const model = arm.get(std::string(ArmCaller::machines) + "vm1");
  CHECK(model.at("properties/storageProfile/osDisk/diffDiskSettings/option") == "Local");
}

TEST_CASE("An instance of a scale set is in no list of machines, owns its disk, and blocks the change") {
  ArmCaller arm(
      confidential("{ name: x, scale_set: pool, security: confidential, disk_encryption_set: des1 }"));
  CHECK(arm.get("/providers/Microsoft.Compute/virtualMachines").json.at("value").as_array().empty());
  CHECK(arm.get(std::string(ArmCaller::machines) + "pool_0").status == 404);
  auto const ids =
      arm.get(std::string(ArmCaller::sets) + "des1/associatedResources").json.at("value").as_array();
  REQUIRE(ids.size() == 1);
  auto const disk = arm.get(std::string(ids[0].as_string()));
  CHECK(disk.at("managedBy").ends_with("/virtualMachineScaleSets/pool/virtualMachines/0"));
  CHECK(arm.change_key("des1", arm.rotate("cvm")).status == 409);
}

TEST_CASE("The set of a confidential VM is named where confidential VMs name it") {
  ArmCaller arm(confidential(stopped));
  auto const model = arm.get(std::string(ArmCaller::machines) + "vm2");
  CHECK(model.at("properties/securityProfile/securityType") == "ConfidentialVM");
  std::string const disk = "properties/storageProfile/osDisk/managedDisk";
  CHECK(model.at(disk + "/securityProfile/securityEncryptionType") == "DiskWithVMGuestState");
  CHECK(model.at(disk + "/securityProfile/diskEncryptionSet/id").ends_with("/diskEncryptionSets/des1"));
  CHECK(model.value(disk + "/diskEncryptionSet").is_null());
  auto const os = arm.get(model.at(disk + "/id"));
  CHECK(os.at("properties/securityProfile/securityType") == "ConfidentialVM_DiskEncryptedWithCustomerKey");
  CHECK(os.at("properties/securityProfile/secureVMDiskEncryptionSetId").ends_with("/des1"));
  CHECK(os.at("properties/diskState") == "Reserved");
}

TEST_CASE("A set of confidential VMs does not follow new versions by itself") {
  ArmCaller arm(confidential(stopped));
  auto const refused = arm.patch(std::string(ArmCaller::sets) + "des1",
                                 {{"properties", {{"rotationToLatestKeyVersionEnabled", true}}}});
  CHECK(refused.status == 400);
  CHECK(refused.at("error/code") == "InvalidParameter");
}
