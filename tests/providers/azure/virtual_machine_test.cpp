#include "providers/azure/virtual_machine.hpp"

#include "providers/azure/arm_answer.hpp"
#include "providers/azure/managed_disk.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace rekeyd;
using namespace rekeyd::providers;
using namespace rekeyd::providers::azure;

namespace {

std::string const where = "GET https://management.azure.com/x";

std::string machine_text(std::string const& properties, std::string const& more = "") {
  return fmt::format(
      R"({{"id":"/subscriptions/S/resourceGroups/G/providers/Microsoft.Compute/virtualMachines/Vm1"{},"properties":{{{}}}}})",
      more, properties);
}

VirtualMachine parsed(std::string const& text) {
  auto const machine = parse_arm_item(text, where, read_virtual_machine);
  if (!machine) FAIL(to_text(machine.error()));
  return *machine;
}

Power power_of(std::string const& statuses) {
  return parsed(machine_text(R"("instanceView":{"statuses":[)" + statuses + "]}")).power;
}

std::string obstacle_of(std::string const& properties) {
  auto const obstacle = parsed(machine_text(properties)).obstacle();
  return obstacle ? obstacle->word : "";
}

}  // namespace

TEST_CASE("only a deallocated machine is at rest, and one whose state is not told is not") {
  CHECK(power_of(R"({"code":"ProvisioningState/succeeded"},{"code":"PowerState/running"})") ==
        Power::running);
  CHECK(power_of(R"({"code":"PowerState/stopped"})") == Power::stopped);
  CHECK(power_of(R"({"code":"powerstate/Deallocated"})") == Power::released);
  for (char const* const passing : {"creating", "starting", "stopping", "deallocating"}) {
    CHECK(power_of(fmt::format(R"({{"code":"PowerState/{}"}})", passing)) == Power::changing);
  }
  CHECK(power_of(R"({"code":"PowerState/unknown"})") == Power::unknown);
  CHECK(power_of(R"({"code":"ProvisioningState/succeeded"})") == Power::unknown);
  CHECK(parsed(machine_text("")).power == Power::unknown);
}

TEST_CASE("what speaks against stopping a machine has a word, a sentence and a remedy") {
  CHECK(obstacle_of(R"("storageProfile":{"osDisk":{"diffDiskSettings":{"option":"Local"}}})") ==
        "ephemeral_os_disk");
  CHECK(obstacle_of(R"("instanceView":{"statuses":[{"code":"HibernationState/Hibernated"}]})") ==
        "machine_hibernated");
  CHECK(obstacle_of(R"("provisioningState":"Failed")") == "machine_failed");
  CHECK(obstacle_of(R"("provisioningState":"Updating")") == "machine_updating");
  CHECK(obstacle_of(R"("provisioningState":"Succeeded")").empty());
  CHECK(obstacle_of("").empty());
  auto const failed = parsed(machine_text(
      R"("provisioningState":"Failed","instanceView":{"statuses":[{"code":"ProvisioningState/failed/AllocationFailed"}]})"));
  CHECK(failed.obstacle()->sentence == "its last operation failed: AllocationFailed");
}

TEST_CASE("a machine names its sets by ordinary, by data and by confidential disks, once each") {
  auto const machine = parsed(machine_text(
      R"("storageProfile":{"osDisk":{"managedDisk":{"securityProfile":{"diskEncryptionSet":{"id":"/A"}}}},
      "dataDisks":[{"managedDisk":{"diskEncryptionSet":{"id":"/a"}}},{"managedDisk":{"diskEncryptionSet":{"id":"/B"}}}]})",
      R"(,"tags":{"role":"db"})"));
  CHECK(machine.disk_encryption_sets == std::vector<std::string>{"/a", "/b"});
  CHECK(machine.tags.at("role") == "db");
  CHECK(machine.machine().id.str() ==
        "/subscriptions/s/resourcegroups/g/providers/microsoft.compute/virtualmachines/vm1");
}

TEST_CASE("what is no virtual machine is malformed") {
  auto const text = GENERATE(
      "", "[]", "{}", R"({"id":"x","properties":{}})",
      R"({"id":"/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/disks/d","properties":{}})",
      R"({"id":"/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/v"})");
  INFO(text);
  auto const machine = parse_arm_item(text, where, read_virtual_machine);
  REQUIRE_FALSE(machine);
  CHECK(machine.error().error_class == ErrorClass::malformed);
}

TEST_CASE("a disk tells which sets it uses, who holds it, and which keys Azure Disk Encryption wraps with") {
  auto const page = parse_arm_page(
      R"({"value":[{"id":"/subscriptions/S/resourceGroups/G/providers/Microsoft.Compute/disks/D",
      "managedBy":"/subscriptions/S/x/VMs/Vm","managedByExtended":["/subscriptions/S/x/VMs/Vm2"],
      "properties":{"encryption":{"type":"EncryptionAtRestWithCustomerKey","diskEncryptionSetId":"/Set1"},
      "securityProfile":{"securityType":"ConfidentialVM_DiskEncryptedWithCustomerKey","secureVMDiskEncryptionSetId":"/Set2"},
      "encryptionSettingsCollection":{"enabled":true,"encryptionSettings":[{"keyEncryptionKey":{"keyUrl":"https://v/keys/k/1"}}]}}},
      {"id":3}]})",
      where, read_managed_disk);
  REQUIRE(page);
  REQUIRE(page->items.size() == 1);
  CHECK(page->defects.size() == 1);
  ManagedDisk const& disk = page->items.front();
  CHECK(disk.disk_encryption_sets == std::vector<std::string>{"/set1", "/set2"});
  CHECK(disk.managed_by ==
        std::vector<std::string>{"/subscriptions/s/x/vms/vm", "/subscriptions/s/x/vms/vm2"});
  CHECK(disk.encryption_keys == std::vector<std::string>{"https://v/keys/k/1"});
}
