#include "tests/simulator/azure/arm/resource_id.hpp"
#include "tests/simulator/azure/arm/subscription_reader.hpp"
#include "tests/simulator/azure/numbered.hpp"
#include "tests/simulator/message.hpp"
#include "tests/simulator/randomness.hpp"

#include <fmt/format.h>

/// The machines, disks and snapshots of a subscription.
namespace rekeyd::sim::azure::arm {

namespace {

Security read_security(Section& entry) {
  std::string const word = entry.word("security", {"standard", "trusted-launch", "confidential"}, "standard");
  if (word == "confidential") return Security::confidential;
  return word == "trusted-launch" ? Security::trusted_launch : Security::standard;
}

}  // namespace

void SubscriptionReader::read_ade(Section& entry, VirtualMachine& machine) {
  auto section = entry.section("ade");
  if (!section) return;
  bool key_vault = true;
  auto const key = key_of(*section, "key", key_vault);
  bool const by_extension = section->flag("extension", true);
  section->finish();
  if (!key) return;
  std::string const vault = key->host.substr(0, key->host.find('.'));
  machine.ade = DiskEncryption{
      *key, resource_id(machine.name.subscription, machine.name.group, "Microsoft.KeyVault", "vaults", vault),
      by_extension};
}

void SubscriptionReader::read_troubles(Section& entry, VirtualMachine& machine) {
  auto& troubles = machine.troubles;
  troubles.stuck_in_starting = entry.flag("stuck_in_starting", false);
  troubles.stuck_in_deallocating = entry.flag("stuck_in_deallocating", false);
  troubles.starts = static_cast<int>(entry.number("failing_starts", 0, 1000, 0));
  if (troubles.starts > 0)
    troubles.start =
        Fault{"AllocationFailed",
              "Allocation failed. We do not have sufficient capacity for the requested VM size in this "
              "region."};
  troubles.deallocations = static_cast<int>(entry.number("failing_deallocations", 0, 1000, 0));
  if (troubles.deallocations > 0)
    troubles.deallocate = Fault{"InternalExecutionError", "An internal execution error occurred."};
  if (entry.has("failure")) machine.failure = Fault{entry.text("failure"), "The last operation failed."};
}

void SubscriptionReader::check_machine(Section& entry, VirtualMachine const& machine) {
  if (machine.set.empty()) return;
  bool const for_confidential = estate_.sets.at(machine.set).confidential();
  if (for_confidential != machine.confidential()) {
    entry.mistake("disk_encryption_set", machine.confidential()
                                             ? "a confidential VM needs a set of type confidential-vm"
                                             : "a set of type confidential-vm is for confidential VMs");
  }
  if (machine.ephemeral_os_disk && machine.power != Power::running)
    entry.mistake("power", "a machine with an ephemeral OS disk is running or gone");
}

VirtualMachine SubscriptionReader::machine_plan(Section& entry, ResourceName const& name) {
  VirtualMachine machine;
  machine.name = name;
  machine.location = location_of(entry, name);
  machine.size = entry.text("size", "Standard_DC2as_v5");
  machine.tags = entry.text_map("tags");
  machine.windows = entry.word("os", {"linux", "windows"}, "linux") == "windows";
  machine.created = around_.context.now - std::chrono::days(100);
  machine.security = read_security(entry);
  machine.security_encryption =
      entry.word("security_encryption", {"DiskWithVMGuestState", "VMGuestStateOnly", "NonPersistedTPM"},
                 "DiskWithVMGuestState");
  std::string const power = entry.word(
      "power", {"running", "starting", "stopping", "stopped", "deallocating", "deallocated"}, "running");
  machine.power = power_from(power).value_or(Power::running);
  machine.ephemeral_os_disk = entry.flag("ephemeral_os_disk", false);
  machine.hibernated = entry.flag("hibernated", false);
  machine.scale_set = entry.text("scale_set", "");
  if (auto const set = set_named(entry, name)) {
    machine.set = set->key();
    machine.set_id = set->id();
    machine.key = estate_.sets.at(machine.set).active;
  }
  read_ade(entry, machine);
  read_troubles(entry, machine);
  check_machine(entry, machine);
  return machine;
}

void SubscriptionReader::add_disk(VirtualMachine const& machine, std::string const& name, bool os) {
  Disk disk;
  disk.name = {machine.name.subscription, machine.name.group, "disks", name};
  disk.location = machine.location;
  disk.machine = machine.name.key();
  disk.os = os;
  disk.windows = machine.windows;
  disk.confidential = os && machine.confidential();
  if (os || !machine.confidential()) {
    disk.set = machine.set;
    disk.set_id = machine.set_id;
  }
  disk.ade = machine.ade;
  constexpr long data_disk_gb = 128;
  if (!os) disk.size_gb = data_disk_gb;
  disk.created = machine.created;
  disk.unique_id = around_.context.random.uuid();
  estate_.disks.insert_or_assign(disk.name.key(), std::move(disk));
}

void SubscriptionReader::add_machine(VirtualMachine machine, long data_disks) {
  machine.vm_id = around_.context.random.uuid();
  if (!machine.ephemeral_os_disk) add_disk(machine, machine.name.name + "_OsDisk", true);
  for (long number = 0; number < data_disks; ++number) {
    machine.data_disks.push_back(fmt::format("{}_DataDisk_{}", machine.name.name, number));
    add_disk(machine, machine.data_disks.back(), false);
  }
  estate_.machines.insert_or_assign(machine.name.key(), std::move(machine));
}

void SubscriptionReader::read_machines() {
  for (auto& entry : section_.sections("virtual_machines")) {
    std::string const name = entry.text("name");
    constexpr long most = 10'000;
    long count = entry.number("count", 1, most, 1);
    if (count > 1 && name.find("{n}") == std::string::npos) {
      entry.mistake("name", "needs {n} when count is given");
      count = 1;
    }
    long const data_disks = entry.number("data_disks", 0, 64, 0);
    auto const plan = machine_plan(entry, name_of(entry, "virtualMachines", name));
    entry.finish();
    for (long number = 1; number <= count; ++number) {
      VirtualMachine machine = plan;
      machine.name.name = numbered(name, number, count);
      // An instance of a uniform scale set is named after it.
      if (!plan.scale_set.empty()) machine.name.name = fmt::format("{}_{}", plan.scale_set, number - 1);
      if (estate_.machines.contains(machine.name.key())) entry.mistake("name", "given twice");
      add_machine(std::move(machine), data_disks);
    }
  }
}

void SubscriptionReader::read_loose(char const* field, char const* type, std::map<std::string, Disk>& into) {
  for (auto& entry : section_.sections(field)) {
    Disk disk;
    disk.name = name_of(entry, type, entry.text("name"));
    disk.location = location_of(entry, disk.name);
    disk.created = around_.context.now - std::chrono::days(50);
    disk.unique_id = around_.context.random.uuid();
    if (auto const set = set_named(entry, disk.name)) {
      disk.set = set->key();
      disk.set_id = set->id();
      disk.confidential = estate_.sets.at(disk.set).confidential();
    }
    entry.finish();
    std::string const key = disk.name.key();
    if (!into.emplace(key, std::move(disk)).second) entry.mistake("name", "given twice");
  }
}

void SubscriptionReader::read_disks() {
  read_loose("disks", "disks", estate_.disks);
  read_loose("snapshots", "snapshots", estate_.snapshots);
}

}  // namespace rekeyd::sim::azure::arm
