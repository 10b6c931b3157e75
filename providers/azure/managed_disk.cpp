#include "providers/azure/managed_disk.hpp"

#include "providers/azure/letter_case.hpp"
#include "providers/json_answer.hpp"

namespace rekeyd::providers::azure {

namespace {

void add_lower(std::string const& text, std::vector<std::string>& to) {
  if (!text.empty()) to.push_back(lower_case(text));
}

ManagedDisk read_disk(JsonObject const& object) {
  ManagedDisk disk;
  auto const text = object.text("id");
  auto const id = ArmId::parse(text);
  if (!id && !text.empty()) object.note("id", "should be the id of a resource");
  disk.id = id.value_or(ArmId{});
  add_lower(object.text_if("managedBy"), disk.managed_by);
  for (std::string const& sharer : object.texts_if("managedByExtended")) add_lower(sharer, disk.managed_by);
  JsonObject const properties = object.object("properties");
  add_lower(properties.object_if("encryption").text_if("diskEncryptionSetId"), disk.disk_encryption_sets);
  add_lower(properties.object_if("securityProfile").text_if("secureVMDiskEncryptionSetId"),
            disk.disk_encryption_sets);
  JsonObject const collection = properties.object_if("encryptionSettingsCollection");
  for (JsonObject const& settings : collection.objects_if("encryptionSettings")) {
    auto url = settings.object_if("keyEncryptionKey").text_if("keyUrl");
    if (!url.empty()) disk.encryption_keys.push_back(std::move(url));
  }
  return disk;
}

}  // namespace

Result<ManagedDiskPage> parse_managed_disks(std::string_view body, std::string const& where) {
  JsonAnswer answer(body);
  ManagedDiskPage page;
  for (JsonObject const& entry : answer.root().objects_if("value")) {
    JsonDefect defect;
    ManagedDisk disk = read_disk(entry.reporting_to(defect));
    if (defect.none()) {
      page.disks.push_back(std::move(disk));
    } else {
      page.defects.push_back(malformed_answer(defect, where));
    }
  }
  if (!answer.sound()) return std::unexpected(answer.error(where));
  return page;
}

}  // namespace rekeyd::providers::azure
