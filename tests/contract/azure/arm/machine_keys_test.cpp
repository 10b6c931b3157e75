#include "tests/contract/azure/arm/arm_caller.hpp"

#include <catch2/catch.hpp>

using namespace rekeyd::sim;
using namespace rekeyd::sim::test;
using std::chrono::minutes;

namespace {

std::string const vm1 = std::string(ArmCaller::machines) + "vm1";

ArmWorld machines(std::string list) { return {"{ name: des1, key: kv1/disk }", std::move(list), {}, {}}; }

}  // namespace

TEST_CASE("Azure Disk Encryption has another extension on Windows, and may have left none") {
  ArmCaller arm(
      machines("{ name: vm1, os: windows, ade: { key: kv1/disk } }, "
               "{ name: vm2, ade: { key: kv1/disk, extension: false } }"));
  auto const extension = arm.get(vm1 + "/extensions/AzureDiskEncryption");
  CHECK(extension.at("properties/type") == "AzureDiskEncryption");
  CHECK(extension.at("properties/settings/KeyEncryptionKeyURL") == arm.current("disk"));
  CHECK(arm.get(vm1).at("properties/storageProfile/osDisk/osType") == "Windows");
  CHECK(arm.get(std::string(ArmCaller::machines) + "vm2/extensions").json.at("value").as_array().empty());
  auto const disk = arm.get("/providers/Microsoft.Compute/disks/vm2_OsDisk");
  CHECK(disk.value("properties/encryptionSettingsCollection/enabled") == true);
}

TEST_CASE("Machines go down within the hour when the version they are on is disabled, and stay down") {
  ArmCaller arm(machines("{ name: vm1, disk_encryption_set: des1 }, { name: vm2 }"));
  auto const key = arm.current("disk");
  std::string const version = key.substr(key.rfind('/') + 1);
  arm.azure.patch("/keys/disk/" + version, {{"attributes", {{"enabled", false}}}});
  arm.wait(minutes(61));
  CHECK(arm.power("vm1") == "stopped");
  CHECK(arm.power("vm2") == "running");
  CHECK(arm.machine_truth("vm1").stops.at(0).by == "platform");
  auto const start = arm.post(vm1 + "/start");
  arm.wait(minutes(1));
  CHECK(arm.status(start).at("error/code") == "KeyVaultKeyNotEnabled");
  arm.azure.patch("/keys/disk/" + version, {{"attributes", {{"enabled", true}}}});
  arm.post(vm1 + "/start");
  arm.wait(minutes(1));
  CHECK(arm.power("vm1") == "running");
}

TEST_CASE("What ended before a key was disabled has ended well, whenever it is looked at") {
  ArmCaller arm(machines("{ name: vm1, power: deallocated, disk_encryption_set: des1 }"));
  auto const start = arm.post(vm1 + "/start");
  arm.wait(minutes(2));
  auto const key = arm.current("disk");
  arm.azure.patch("/keys/disk/" + key.substr(key.rfind('/') + 1), {{"attributes", {{"enabled", false}}}});
  arm.wait(minutes(2));
  CHECK(arm.status(start).at("status") == "Succeeded");
}

TEST_CASE("An expired key stops no running machine, but the next start") {
  ArmCaller arm(machines("{ name: vm1, disk_encryption_set: des1 }"));
  auto const key = arm.current("disk");
  auto const soon = (beginning() + minutes(10)).time_since_epoch().count();
  arm.azure.patch("/keys/disk/" + key.substr(key.rfind('/') + 1), {{"attributes", {{"exp", soon}}}});
  arm.wait(std::chrono::hours(2));
  CHECK(arm.power("vm1") == "running");
  CHECK_FALSE(arm.machine_truth("vm1").can_start);
  arm.post(vm1 + "/deallocate");
  arm.wait(minutes(1));
  auto const start = arm.post(vm1 + "/start");
  arm.wait(minutes(1));
  CHECK(arm.status(start).at("error/code") == "KeyVaultKeyExpired");
}
