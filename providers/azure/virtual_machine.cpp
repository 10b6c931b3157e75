#include "providers/azure/virtual_machine.hpp"

#include "providers/azure/arm_answer.hpp"
#include "providers/azure/letter_case.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rekeyd::providers::azure {

namespace {

void add_set(JsonObject const& set, std::vector<std::string>& sets) {
  auto const id = lower_case(set.text_if("id"));
  if (!id.empty() && std::ranges::find(sets, id) == sets.end()) sets.push_back(id);
}

void add_sets_of(JsonObject const& managed_disk, std::vector<std::string>& sets) {
  add_set(managed_disk.object_if("diskEncryptionSet"), sets);
  add_set(managed_disk.object_if("securityProfile").object_if("diskEncryptionSet"), sets);
}

void add_key(std::string url, std::vector<std::string>& keys) {
  if (!url.empty() && std::ranges::find(keys, url) == keys.end()) keys.push_back(std::move(url));
}

/// The extension names its key on its own, also before it has encrypted anything.
void add_extension_keys(JsonObject const& machine, std::vector<std::string>& keys) {
  for (JsonObject const& extension : machine.objects_if("resources")) {
    JsonObject const properties = extension.object_if("properties");
    bool const encrypts = lower_case(properties.text_if("publisher")) == "microsoft.azure.security" &&
                          lower_case(properties.text_if("type")).starts_with("azurediskencryption");
    if (encrypts) add_key(properties.object_if("settings").text_if("KeyEncryptionKeyURL"), keys);
  }
}

Power power_of(std::string_view state) {
  if (state == "running") return Power::running;
  if (state == "stopped") return Power::stopped;
  if (state == "deallocated") return Power::released;
  for (std::string_view const passing : {"creating", "starting", "stopping", "deallocating"}) {
    if (state == passing) return Power::changing;
  }
  return Power::unknown;
}

/// "PowerState/running", "ProvisioningState/failed/AllocationFailed", "HibernationState/Hibernated". The
/// power state is missing now and then (Azure/azure-sdk issues): unknown then.
void read_statuses(JsonObject const& view, VirtualMachine& machine) {
  for (JsonObject const& status : view.objects_if("statuses")) {
    std::string const sent = status.text_if("code");
    std::string const code = lower_case(sent);
    constexpr std::string_view power = "powerstate/";
    constexpr std::string_view failed = "provisioningstate/failed/";
    if (code.starts_with(power)) machine.power = power_of(std::string_view(code).substr(power.size()));
    if (code.starts_with(failed)) machine.failure = body_excerpt(sent.substr(failed.size()));
    if (code == "hibernationstate/hibernated") machine.hibernated = true;
  }
}

}  // namespace

std::optional<ResourceCondition> VirtualMachine::obstacle() const {
  if (ephemeral_os_disk) {
    return ResourceCondition{"ephemeral_os_disk", "its OS disk is ephemeral and would be lost",
                             "give it a disk encryption set of its own, or delete it before the rotation"};
  }
  if (hibernated) {
    return ResourceCondition{"machine_hibernated", "it is hibernated: its memory is kept under the old key",
                             "start it and shut it down, then `rekeyctl retry`"};
  }
  std::string const state = lower_case(provisioning_state);
  if (state == "failed") {
    std::string why = "its last operation failed";
    if (!failure.empty()) why += ": " + failure;
    return ResourceCondition{"machine_failed", std::move(why), "mend it in Azure, then `rekeyctl retry`"};
  }
  if (!state.empty() && state != "succeeded") {
    return ResourceCondition{"machine_updating", fmt::format("Azure is changing it ({})", provisioning_state),
                             "nothing: rekeyd waits for its end"};
  }
  return std::nullopt;
}

Machine VirtualMachine::machine() const {
  return {.id = id.resource(), .power = power, .tags = tags, .obstacle = obstacle()};
}

VirtualMachine read_virtual_machine(JsonObject const& object) {
  VirtualMachine machine;
  machine.id = read_arm_id(object, virtual_machine_type, "a virtual machine");
  machine.tags = object.text_map_if("tags");
  JsonObject const properties = object.object("properties");
  machine.provisioning_state = properties.text_if("provisioningState");
  JsonObject const storage = properties.object_if("storageProfile");
  JsonObject const os_disk = storage.object_if("osDisk");
  machine.ephemeral_os_disk = os_disk.object_if("diffDiskSettings").present();
  add_sets_of(os_disk.object_if("managedDisk"), machine.disk_encryption_sets);
  for (JsonObject const& disk : storage.objects_if("dataDisks")) {
    add_sets_of(disk.object_if("managedDisk"), machine.disk_encryption_sets);
  }
  add_key(os_disk.object_if("encryptionSettings").object_if("keyEncryptionKey").text_if("keyUrl"),
          machine.encryption_keys);
  add_extension_keys(object, machine.encryption_keys);
  read_statuses(properties.object_if("instanceView"), machine);
  return machine;
}

}  // namespace rekeyd::providers::azure
