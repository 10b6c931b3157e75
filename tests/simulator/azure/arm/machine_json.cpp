#include "tests/simulator/azure/arm/json_shapes.hpp"
#include "tests/simulator/azure/arm/resource_id.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <array>

namespace rekeyd::sim::azure::arm {

namespace json = boost::json;

namespace {

std::string provisioning_state(VirtualMachine const& machine) {
  if (!machine.operation.empty()) return "Updating";
  return machine.failure ? "Failed" : "Succeeded";
}

json::object source_vault(DiskEncryption const& ade) { return {{"id", ade.vault_id}}; }

/// One entry of encryptionSettings, in a machine or a disk.
json::object encryption_settings(DiskEncryption const& ade) {
  return {{"diskEncryptionKey",
           {{"sourceVault", source_vault(ade)}, {"secretUrl", "https://" + ade.key.host + "/secrets/bek/1"}}},
          {"keyEncryptionKey", {{"sourceVault", source_vault(ade)}, {"keyUrl", ade.key.to_text()}}}};
}

json::object managed_disk(VirtualMachine const& machine, std::string const& disk) {
  ResourceName const name{machine.name.subscription, machine.name.group, "disks", disk};
  return {{"storageAccountType", "Premium_LRS"}, {"id", name.shouted_id()}};
}

json::object os_disk_json(VirtualMachine const& machine) {
  auto disk = managed_disk(machine, machine.name.name + "_OsDisk");
  if (machine.ephemeral_os_disk) disk.erase("id");
  if (machine.confidential()) {
    json::object profile{{"securityEncryptionType", machine.security_encryption}};
    if (!machine.set_id.empty()) profile["diskEncryptionSet"] = {{"id", machine.set_id}};
    disk["securityProfile"] = std::move(profile);
  } else if (!machine.set_id.empty()) {
    disk["diskEncryptionSet"] = {{"id", machine.set_id}};
  }
  json::object os{{"osType", machine.windows ? "Windows" : "Linux"},
                  {"name", machine.name.name + "_OsDisk"},
                  {"createOption", "FromImage"},
                  {"caching", machine.ephemeral_os_disk ? "ReadOnly" : "ReadWrite"},
                  {"managedDisk", std::move(disk)},
                  {"deleteOption", "Delete"},
                  {"diskSizeGB", 30}};
  if (machine.ephemeral_os_disk) os["diffDiskSettings"] = {{"option", "Local"}, {"placement", "CacheDisk"}};
  if (machine.ade) {
    os["encryptionSettings"] = encryption_settings(*machine.ade);
    os["encryptionSettings"].as_object()["enabled"] = true;
  }
  return os;
}

json::array data_disks_json(VirtualMachine const& machine) {
  json::array disks;
  for (std::size_t lun = 0; lun < machine.data_disks.size(); ++lun) {
    auto managed = managed_disk(machine, machine.data_disks[lun]);
    if (!machine.confidential() && !machine.set_id.empty())
      managed["diskEncryptionSet"] = {{"id", machine.set_id}};
    disks.push_back({{"lun", lun},
                     {"name", machine.data_disks[lun]},
                     {"createOption", "Attach"},
                     {"caching", "None"},
                     {"managedDisk", std::move(managed)},
                     {"diskSizeGB", 128}});
  }
  return disks;
}

char const* display(Power power) {
  constexpr std::array names{"VM running", "VM starting",     "VM stopping",
                             "VM stopped", "VM deallocating", "VM deallocated"};
  return names[static_cast<std::size_t>(power)];
}

json::object status(std::string const& code, std::string const& text) {
  return {{"code", code}, {"level", "Info"}, {"displayStatus", text}};
}

json::object provisioning_status(VirtualMachine const& machine) {
  if (!machine.operation.empty()) return status("ProvisioningState/updating", "Updating");
  if (!machine.failure) return status("ProvisioningState/succeeded", "Provisioning succeeded");
  auto failed = status("ProvisioningState/failed/" + machine.failure->code, "Provisioning failed");
  failed["level"] = "Error";
  failed["message"] = machine.failure->message;
  return failed;
}

}  // namespace

json::object machine_json(VirtualMachine const& machine, IdCase ids) {
  json::object properties{
      {"vmId", machine.vm_id},
      {"hardwareProfile", {{"vmSize", machine.size}}},
      {"storageProfile",
       {{"imageReference",
         {{"publisher", "Canonical"},
          {"offer", "0001-com-ubuntu-confidential-vm-jammy"},
          {"sku", "22_04-lts-cvm"},
          {"version", "latest"}}},
        {"osDisk", os_disk_json(machine)},
        {"dataDisks", data_disks_json(machine)}}},
      {"osProfile", {{"computerName", machine.name.name}, {"adminUsername", "azureuser"}}},
      {"provisioningState", provisioning_state(machine)},
      {"timeCreated", time_text(machine.created)}};
  if (machine.security != Security::standard) {
    properties["securityProfile"] = {
        {"uefiSettings", {{"secureBootEnabled", true}, {"vTpmEnabled", true}}},
        {"securityType", machine.confidential() ? "ConfidentialVM" : "TrustedLaunch"}};
  }
  json::object body{{"name", machine.name.name},
                    {"id", ids == IdCase::shouted ? machine.name.shouted_id() : machine.name.id()},
                    {"type", "Microsoft.Compute/virtualMachines"},
                    {"location", machine.location},
                    {"properties", std::move(properties)}};
  if (!machine.tags.empty()) body["tags"] = tags_json(machine.tags);
  if (has_extension(machine)) body["resources"] = json::array{extension_json(machine)};
  return body;
}

json::object instance_view_json(VirtualMachine const& machine, bool hide_power) {
  json::array statuses{provisioning_status(machine)};
  if (!hide_power)
    statuses.push_back(status(std::string("PowerState/") + to_text(machine.power), display(machine.power)));
  if (machine.hibernated) statuses.push_back(status("HibernationState/Hibernated", "VM hibernated"));
  json::object os_disk{
      {"name", machine.name.name + "_OsDisk"},
      {"statuses", json::array{status("ProvisioningState/succeeded", "Provisioning succeeded")}}};
  if (machine.ade) {
    auto settings = encryption_settings(*machine.ade);
    settings["enabled"] = true;
    os_disk["encryptionSettings"] = json::array{std::move(settings)};
  }
  json::object view{{"hyperVGeneration", "V2"}, {"statuses", std::move(statuses)}};
  view["disks"] = json::array{std::move(os_disk)};
  if (machine.power == Power::running) view["computerName"] = machine.name.name;
  return view;
}

char const* disk_encryption_extension(VirtualMachine const& machine) {
  return machine.windows ? "AzureDiskEncryption" : "AzureDiskEncryptionForLinux";
}

json::object extension_json(VirtualMachine const& machine) {
  DiskEncryption const& ade = *machine.ade;
  char const* const name = disk_encryption_extension(machine);
  json::object settings{{"EncryptionOperation", "EnableEncryption"},
                        {"KeyVaultURL", "https://" + ade.key.host + "/"},
                        {"KeyVaultResourceId", ade.vault_id},
                        {"KeyEncryptionKeyURL", ade.key.to_text()},
                        {"KekVaultResourceId", ade.vault_id},
                        {"KeyEncryptionAlgorithm", "RSA-OAEP"},
                        {"VolumeType", "All"},
                        {"SequenceVersion", "1"}};
  return {{"name", name},
          {"id", machine.name.id() + "/extensions/" + name},
          {"type", "Microsoft.Compute/virtualMachines/extensions"},
          {"location", machine.location},
          {"properties",
           {{"autoUpgradeMinorVersion", true},
            {"provisioningState", "Succeeded"},
            {"publisher", "Microsoft.Azure.Security"},
            {"type", name},
            {"typeHandlerVersion", machine.windows ? "2.2" : "1.1"},
            {"settings", std::move(settings)}}}};
}

std::string owner_id(VirtualMachine const& machine) {
  if (machine.scale_set.empty()) return machine.name.id();
  return fmt::format("{}/virtualMachines/{}",
                     resource_id(machine.name.subscription, machine.name.group, machine.name.provider,
                                 "virtualMachineScaleSets", machine.scale_set),
                     machine.name.name.substr(machine.name.name.rfind('_') + 1));
}

}  // namespace rekeyd::sim::azure::arm
