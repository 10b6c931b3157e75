#include "tests/simulator/azure/arm/json_shapes.hpp"

#include <boost/json.hpp>
#include <date/date.h>

namespace rekeyd::sim::azure::arm {

namespace json = boost::json;

namespace {

std::string written(ResourceName const& name, IdCase ids) {
  return ids == IdCase::shouted ? name.shouted_id() : name.id();
}

json::object key_json(KeyUrl const& key, std::string const& vault) {
  json::object object{{"keyUrl", key.to_text()}};
  if (!vault.empty()) object["sourceVault"] = {{"id", vault}};
  return object;
}

json::object identity_json(DiskEncryptionSet const& set) {
  json::object identity{{"type", set.identity_type}};
  if (set.identity_type.starts_with("SystemAssigned")) {
    identity["principalId"] = set.principal_id;
    identity["tenantId"] = set.tenant;
  }
  if (!set.user_identities.empty() && set.identity_type != "None") {
    json::object users;
    for (auto const& id : set.user_identities)
      users[id] = {{"principalId", set.principal_id}, {"clientId", set.principal_id}};
    identity["userAssignedIdentities"] = std::move(users);
  }
  return identity;
}

/// "encryption" and, for a confidential VM's disk, "securityProfile".
void add_encryption(json::object& properties, Disk const& disk, DiskEncryptionSet const* set) {
  if (disk.set_id.empty() || disk.confidential) {
    properties["encryption"] = {{"type", "EncryptionAtRestWithPlatformKey"}};
  } else {
    properties["encryption"] = {
        {"type", set == nullptr ? "EncryptionAtRestWithCustomerKey" : set->encryption_type.c_str()},
        {"diskEncryptionSetId", disk.set_id}};
  }
  if (!disk.confidential) return;
  properties["securityProfile"] =
      disk.set_id.empty() ? json::object{{"securityType", "ConfidentialVM_DiskEncryptedWithPlatformKey"}}
                          : json::object{{"securityType", "ConfidentialVM_DiskEncryptedWithCustomerKey"},
                                         {"secureVMDiskEncryptionSetId", disk.set_id}};
}

void add_ade(json::object& properties, DiskEncryption const& ade) {
  json::object const vault{{"id", ade.vault_id}};
  json::object const settings{
      {"diskEncryptionKey",
       {{"sourceVault", vault}, {"secretUrl", "https://" + ade.key.host + "/secrets/bek/1"}}},
      {"keyEncryptionKey", {{"sourceVault", vault}, {"keyUrl", ade.key.to_text()}}}};
  properties["encryptionSettingsCollection"] = {
      {"enabled", true}, {"encryptionSettings", json::array{settings}}, {"encryptionSettingsVersion", "1.1"}};
}

json::object storage_json(Disk const& disk, DiskEncryptionSet const* set, char const* type, IdCase ids) {
  json::object properties{{"creationData", {{"createOption", disk.os ? "FromImage" : "Empty"}}},
                          {"diskSizeGB", disk.size_gb},
                          {"timeCreated", time_text(disk.created)},
                          {"provisioningState", "Succeeded"},
                          {"uniqueId", disk.unique_id}};
  if (disk.os) {
    properties["osType"] = disk.windows ? "Windows" : "Linux";
    properties["hyperVGeneration"] = "V2";
  }
  add_encryption(properties, disk, set);
  if (disk.ade) add_ade(properties, *disk.ade);
  return {{"name", disk.name.name},
          {"id", written(disk.name, ids)},
          {"type", type},
          {"location", disk.location},
          {"sku", {{"name", "Premium_LRS"}, {"tier", "Premium"}}},
          {"properties", std::move(properties)}};
}

}  // namespace

std::string time_text(Instant at) { return date::format("%FT%T", at) + ".0000000+00:00"; }

std::string zulu(Instant at) { return date::format("%FT%T", at) + ".0000000Z"; }

json::object tags_json(Tags const& tags) {
  json::object object;
  for (auto const& [name, value] : tags) object[name] = value;
  return object;
}

json::object set_json(DiskEncryptionSet const& set, IdCase ids) {
  json::object properties{{"activeKey", key_json(set.active, set.source_vault)},
                          {"encryptionType", set.encryption_type},
                          {"provisioningState", set.provisioning}};
  if (!set.previous.empty()) {
    json::array previous;
    for (auto const& [key, vault] : set.previous) previous.push_back(key_json(key, vault));
    properties["previousKeys"] = std::move(previous);
  }
  if (set.follows) properties["rotationToLatestKeyVersionEnabled"] = true;
  if (set.last_rotation) properties["lastKeyRotationTimestamp"] = time_text(*set.last_rotation);
  if (set.auto_rotation_error) {
    properties["autoKeyRotationError"] = {{"code", set.auto_rotation_error->code},
                                          {"message", set.auto_rotation_error->message}};
  }
  if (!set.federated_client.empty()) properties["federatedClientId"] = set.federated_client;
  json::object body{{"name", set.name.name},
                    {"id", written(set.name, ids)},
                    {"type", "Microsoft.Compute/diskEncryptionSets"},
                    {"location", set.location},
                    {"identity", identity_json(set)},
                    {"properties", std::move(properties)}};
  if (!set.tags.empty()) body["tags"] = tags_json(set.tags);
  return body;
}

json::object disk_json(Disk const& disk, VirtualMachine const* owner, DiskEncryptionSet const* set,
                       IdCase ids) {
  auto body = storage_json(disk, set, "Microsoft.Compute/disks", ids);
  auto& properties = body["properties"].as_object();
  if (owner == nullptr) {
    properties["diskState"] = "Unattached";
    return body;
  }
  body["managedBy"] = owner_id(*owner);
  properties["diskState"] = owner->power == Power::deallocated ? "Reserved" : "Attached";
  return body;
}

json::object snapshot_json(Disk const& snapshot, DiskEncryptionSet const* set, IdCase ids) {
  auto body = storage_json(snapshot, set, "Microsoft.Compute/snapshots", ids);
  auto& properties = body["properties"].as_object();
  properties["creationData"] = {{"createOption", "Copy"}};
  properties["incremental"] = true;
  properties["diskState"] = "Unattached";
  return body;
}

json::object lock_json(Lock const& lock) {
  json::object properties{{"level", lock.read_only ? "ReadOnly" : "CanNotDelete"}};
  if (!lock.notes.empty()) properties["notes"] = lock.notes;
  return {{"id", lock.scope + "/providers/Microsoft.Authorization/locks/" + lock.name},
          {"name", lock.name},
          {"type", "Microsoft.Authorization/locks"},
          {"properties", std::move(properties)}};
}

}  // namespace rekeyd::sim::azure::arm
