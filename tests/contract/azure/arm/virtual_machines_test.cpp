#include "tests/contract/azure/arm/arm_caller.hpp"

#include <catch2/catch.hpp>

using namespace rekeyd::sim;
using namespace rekeyd::sim::test;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

std::string const vm1 = std::string(ArmCaller::machines) + "vm1";

ArmWorld machines(std::string list) { return {"{ name: des1, key: kv1/disk }", std::move(list), {}, {}}; }

}  // namespace

TEST_CASE("A machine is deallocated and started by operations that take their time") {
  ArmCaller arm(machines("{ name: vm1 }"));
  CHECK(arm.power("vm1") == "running");
  auto const stop = arm.post(vm1 + "/deallocate");
  REQUIRE(stop.status == 202);
  CHECK(stop.text.empty());
  CHECK(stop.header("azure-asyncnotification") == "Enabled");
  CHECK(stop.header("retry-after").empty());
  CHECK(arm.power("vm1") == "deallocating");
  CHECK(arm.provisioning("vm1") == "ProvisioningState/updating");
  CHECK(arm.status(stop).at("status") == "InProgress");
  CHECK(arm.follow(stop.header("location")).status == 202);
  arm.wait(seconds(45));
  auto const done = arm.status(stop);
  CHECK(done.at("status") == "Succeeded");
  CHECK(done.at("startTime") == "2026-01-31T12:00:00.0000000+00:00");
  CHECK(done.at("endTime") == "2026-01-31T12:00:45.0000000+00:00");
  CHECK(arm.follow(stop.header("location")).status == 200);
  CHECK(arm.power("vm1") == "deallocated");
  CHECK(arm.provisioning("vm1") == "ProvisioningState/succeeded");
  CHECK(arm.post(vm1 + "/start").status == 202);
  CHECK(arm.power("vm1") == "starting");
  arm.wait(minutes(1));
  CHECK(arm.power("vm1") == "running");
}

TEST_CASE("Powered off is stopped, not deallocated") {
  ArmCaller arm(machines("{ name: vm1 }"));
  arm.post(vm1 + "/powerOff?skipShutdown=false");
  CHECK(arm.power("vm1") == "stopping");
  arm.wait(minutes(1));
  CHECK(arm.power("vm1") == "stopped");
  arm.post(vm1 + "/deallocate");
  arm.wait(minutes(1));
  CHECK(arm.power("vm1") == "deallocated");
}

TEST_CASE("What is as asked already ends well at once") {
  ArmCaller arm(machines("{ name: vm1 }, { name: vm2, power: deallocated }"));
  auto const start = arm.post(vm1 + "/start");
  auto const stop = arm.post(std::string(ArmCaller::machines) + "vm2/deallocate");
  CHECK(arm.power("vm1") == "running");
  CHECK(arm.power("vm2") == "deallocated");
  arm.wait(seconds(1));
  CHECK(arm.status(start).at("status") == "Succeeded");
  CHECK(arm.status(stop).at("status") == "Succeeded");
  CHECK(arm.machine_truth("vm1").stops.empty());
  CHECK(arm.machine_truth("vm2").stops.empty());
}

TEST_CASE("An accepted operation goes on though nobody asks") {
  ArmCaller arm(machines("{ name: vm1 }"));
  arm.post(vm1 + "/deallocate");
  arm.wait(std::chrono::hours(3));
  CHECK(arm.machine_truth("vm1").power == "deallocated");
  CHECK(arm.machine_truth("vm1").power == "deallocated");  // Looking changed nothing.
  CHECK(arm.power("vm1") == "deallocated");
}

TEST_CASE("Two operations on one machine at a time are a conflict, but a deallocation cuts a start short") {
  ArmCaller arm(machines("{ name: vm1 }"));
  arm.post(vm1 + "/deallocate");
  auto const conflict = arm.post(vm1 + "/start");
  CHECK(conflict.status == 409);
  CHECK(conflict.at("error/code") == "Conflict");
  arm.wait(minutes(1));
  auto const start = arm.post(vm1 + "/start");
  CHECK(arm.post(vm1 + "/start").status == 409);
  REQUIRE(arm.post(vm1 + "/deallocate").status == 202);
  CHECK(arm.status(start).at("status") == "Canceled");
  CHECK(arm.status(start).at("error/code") == "OperationPreempted");
  arm.wait(minutes(1));
  CHECK(arm.power("vm1") == "deallocated");
  CHECK(arm.machine_truth("vm1").stops.size() == 1);
}

TEST_CASE("A machine can stay in starting for ever, until it is deallocated") {
  ArmCaller arm(machines("{ name: vm1, power: deallocated, stuck_in_starting: true }"));
  auto const start = arm.post(vm1 + "/start");
  arm.wait(std::chrono::hours(20));
  CHECK(arm.power("vm1") == "starting");
  CHECK(arm.status(start).at("status") == "InProgress");
  arm.post(vm1 + "/deallocate");
  arm.wait(minutes(1));
  arm.post(vm1 + "/start");
  arm.wait(minutes(1));
  CHECK(arm.power("vm1") == "running");
}

TEST_CASE("A machine can stay in deallocating, until it is let go") {
  ArmCaller arm(machines("{ name: vm1, stuck_in_deallocating: true }"));
  auto const stop = arm.post(vm1 + "/deallocate");
  arm.wait(std::chrono::hours(5));
  CHECK(arm.power("vm1") == "deallocating");
  CHECK(arm.post(vm1 + "/start").status == 409);
  CHECK(arm.people("vm1", "let-go").status == 204);
  CHECK(arm.status(stop).at("status") == "Succeeded");
  CHECK(arm.power("vm1") == "deallocated");
  CHECK(arm.people("vm1", "let-go").status == 404);
}

TEST_CASE("A start can fail for capacity: 200 with Failed, and the machine says why") {
  ArmCaller arm(machines("{ name: vm1, power: deallocated, failing_starts: 1 }"));
  auto const start = arm.post(vm1 + "/start");
  arm.wait(minutes(1));
  auto const failed = arm.status(start);
  CHECK(failed.status == 200);
  CHECK(failed.at("status") == "Failed");
  CHECK(failed.at("error/code") == "AllocationFailed");
  CHECK(arm.follow(start.header("location")).status == 409);
  CHECK(arm.power("vm1") == "deallocated");
  CHECK(arm.provisioning("vm1") == "ProvisioningState/failed/AllocationFailed");
  CHECK(arm.get(vm1).at("properties/provisioningState") == "Failed");
  arm.post(vm1 + "/start");
  arm.wait(minutes(1));
  CHECK(arm.power("vm1") == "running");
  CHECK(arm.provisioning("vm1") == "ProvisioningState/succeeded");
}

TEST_CASE("A deallocation can fail, and the machine runs on") {
  ArmCaller arm(machines("{ name: vm1, failing_deallocations: 1 }"));
  auto const stop = arm.post(vm1 + "/deallocate");
  arm.wait(minutes(1));
  CHECK(arm.status(stop).at("status") == "Failed");
  CHECK(arm.power("vm1") == "running");
  CHECK(arm.machine_truth("vm1").stops.empty());
}

TEST_CASE("Stops are remembered with who asked, and until when") {
  ArmCaller arm(machines("{ name: vm1 }, { name: vm2 }"));
  arm.post(vm1 + "/deallocate");
  arm.people("vm2", "power-off");
  arm.wait(minutes(5));
  arm.people("vm1", "start");
  arm.wait(minutes(1));
  auto const stops = arm.machine_truth("vm1").stops;
  REQUIRE(stops.size() == 1);
  CHECK(stops[0].from == beginning());
  CHECK(stops[0].by == client);
  CHECK(stops[0].until == beginning() + minutes(6));
  CHECK(stops[0].resumed_by == "people");
  CHECK(arm.machine_truth("vm2").stops.at(0).by == "people");
  CHECK_FALSE(arm.machine_truth("vm2").stops.at(0).until);
}

TEST_CASE("The instance view can come without a power state") {
  ArmCaller arm(machines("{ name: vm1 }"));
  arm.people("vm1", "hide-power-state", {{"times", 2}});
  CHECK(arm.power("vm1").empty());
  CHECK(arm.power("vm1").empty());
  CHECK(arm.power("vm1") == "running");
}

TEST_CASE("A deleted machine is gone with its disks, and so is its operation's hope") {
  ArmCaller arm(machines("{ name: vm1, data_disks: 2, disk_encryption_set: des1 }"));
  CHECK(
      arm.get(std::string(ArmCaller::sets) + "des1/associatedResources").json.at("value").as_array().size() ==
      3);
  auto const stop = arm.post(vm1 + "/deallocate");
  arm.people("vm1", "delete");
  CHECK(arm.get(vm1).status == 404);
  CHECK(arm.post(vm1 + "/start").status == 404);
  CHECK(
      arm.get(std::string(ArmCaller::sets) + "des1/associatedResources").json.at("value").as_array().empty());
  CHECK(arm.machine_truth("vm1").power == "deleted");
  arm.wait(minutes(1));
  CHECK(arm.status(stop).at("status") == "Failed");
}

TEST_CASE("People make another machine like one that is there") {
  ArmCaller arm(machines("{ name: vm1, power: deallocated, disk_encryption_set: des1 }"));
  CHECK(arm.people("vm1", "copy", {{"name", "vm9"}}).status == 204);
  CHECK(arm.power("vm9") == "running");
  CHECK(
      arm.get(std::string(ArmCaller::sets) + "des1/associatedResources").json.at("value").as_array().size() ==
      2);
}

TEST_CASE("Lists show models, models with states, or states alone") {
  ArmCaller arm(machines("{ name: vm1, tags: { tier: db } }, { name: vm2, location: northeurope }"));
  auto const models = arm.get("/providers/Microsoft.Compute/virtualMachines");
  auto const& model = models.json.at("value").at(0);
  CHECK(model.at("tags").at("tier") == "db");
  CHECK_FALSE(model.at("properties").as_object().contains("instanceView"));
  std::string const all = std::string("/subscriptions/") + subscription + "/providers/Microsoft.Compute";
  auto const states = arm.get(all + "/virtualMachines?statusOnly=true");
  auto const& state = states.json.at("value").at(0);
  CHECK(state.at("properties").at("instanceView").at("statuses").at(1).at("code") == "PowerState/running");
  CHECK_FALSE(state.at("properties").as_object().contains("storageProfile"));
  auto const north = arm.get(all + "/locations/northeurope/virtualMachines");
  REQUIRE(north.json.at("value").as_array().size() == 1);
  CHECK(north.json.at("value").at(0).at("name") == "vm2");
}

TEST_CASE(
    "Azure Disk Encryption shows in the disk, the model, the view and as an extension, with a versioned "
    "key") {
  ArmCaller arm(machines("{ name: vm1, ade: { key: kv1/disk, versions_behind: 1 } }, { name: vm2 }"));
  std::string const key = "https://kv1.vault.azure.net/keys/disk/";
  auto const extensions = arm.get(vm1 + "/extensions");
  REQUIRE(extensions.json.at("value").as_array().size() == 1);
  auto const& extension = extensions.json.at("value").at(0).at("properties");
  CHECK(extension.at("publisher") == "Microsoft.Azure.Security");
  CHECK(extension.at("type") == "AzureDiskEncryptionForLinux");
  std::string const kek(extension.at("settings").at("KeyEncryptionKeyURL").as_string());
  CHECK(kek.starts_with(key));
  CHECK(kek != arm.current("disk"));
  CHECK(arm.get(vm1 + "/extensions/azurediskencryptionforlinux").status == 200);
  CHECK(arm.get(vm1 + "/extensions/other").status == 404);
  auto const disk = arm.get("/providers/Microsoft.Compute/disks/vm1_OsDisk");
  auto const settings = disk.value("properties/encryptionSettingsCollection/encryptionSettings").at(0);
  CHECK(settings.at("keyEncryptionKey").at("keyUrl") == kek.c_str());
  CHECK(disk.at("properties/encryptionSettingsCollection/encryptionSettingsVersion") == "1.1");
  CHECK(arm.get(vm1).at("properties/storageProfile/osDisk/encryptionSettings/keyEncryptionKey/keyUrl") ==
        kek);
  CHECK(arm.get(std::string(ArmCaller::machines) + "vm2/extensions").json.at("value").as_array().empty());
}

TEST_CASE("A hibernated machine says so") {
  ArmCaller arm(machines("{ name: vm1 }, { name: vm2, security: confidential }"));
  CHECK(arm.post(std::string(ArmCaller::machines) + "vm2/deallocate?hibernate=true").status == 409);
  CHECK(arm.post(vm1 + "/deallocate?hibernate=true").status == 202);
  arm.wait(minutes(1));
  auto const view = arm.get(vm1 + "?$expand=instanceView");
  CHECK(view.value("properties/instanceView/statuses").at(2).at("code") == "HibernationState/Hibernated");
}

TEST_CASE("A replica that lags answers reads as of then") {
  ArmCaller arm(machines("{ name: vm1 }"));
  arm.post(vm1 + "/deallocate");
  arm.wait(minutes(1));
  REQUIRE(arm.power("vm1") == "deallocated");
  arm.control("/faults", {{"kind", "lag"}, {"lag_s", 30}, {"host", "management.azure.com"}});
  CHECK(arm.power("vm1") == "deallocating");
  arm.wait(seconds(29));
  CHECK(arm.power("vm1") == "deallocated");
}
