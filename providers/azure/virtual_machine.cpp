#include "providers/azure/virtual_machine.hpp"

#include "providers/azure/letter_case.hpp"
#include "providers/json_answer.hpp"

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

VirtualMachine read_machine(JsonObject const& object) {
  VirtualMachine machine;
  auto const text = object.text("id");
  auto const id = ArmId::parse(text);
  if (!id && !text.empty()) object.note("id", "should be the id of a resource");
  machine.id = id.value_or(ArmId{});
  JsonObject const storage = object.object("properties").object_if("storageProfile");
  add_sets_of(storage.object_if("osDisk").object_if("managedDisk"), machine.disk_encryption_sets);
  for (JsonObject const& disk : storage.objects_if("dataDisks")) {
    add_sets_of(disk.object_if("managedDisk"), machine.disk_encryption_sets);
  }
  return machine;
}

}  // namespace

Result<VirtualMachinePage> parse_virtual_machines(std::string_view body, std::string const& where) {
  JsonAnswer answer(body);
  VirtualMachinePage page;
  for (JsonObject const& entry : answer.root().objects_if("value")) {
    JsonDefect defect;
    VirtualMachine machine = read_machine(entry.reporting_to(defect));
    if (defect.none()) {
      page.machines.push_back(std::move(machine));
    } else {
      page.defects.push_back(malformed_answer(defect, where));
    }
  }
  if (!answer.sound()) return std::unexpected(answer.error(where));
  return page;
}

}  // namespace rekeyd::providers::azure
