#include "providers/azure/managed_disk.hpp"

#include "providers/azure/arm_answer.hpp"
#include "providers/azure/letter_case.hpp"

namespace rekeyd::providers::azure {

namespace {

void add_lower(std::string const& text, std::vector<std::string>& to) {
  if (!text.empty()) to.push_back(lower_case(text));
}

}  // namespace

ManagedDisk read_managed_disk(JsonObject const& object) {
  ManagedDisk disk;
  disk.id = read_arm_id(object, "", "a resource");
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

}  // namespace rekeyd::providers::azure
