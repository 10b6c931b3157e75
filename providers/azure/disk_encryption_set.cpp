#include "providers/azure/disk_encryption_set.hpp"

#include "providers/azure/arm_answer.hpp"
#include "providers/azure/letter_case.hpp"
#include "providers/azure/resource_kind.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace rekeyd::providers::azure {

namespace json = boost::json;

namespace {

KeyIdentifier read_key(JsonObject const& properties) {
  auto const url = properties.object("activeKey").text("keyUrl");
  auto const key = KeyIdentifier::parse(url);
  if (!key && !url.empty()) properties.note("activeKey.keyUrl", "should be the URL of a key");
  return key.value_or(KeyIdentifier{});
}

bool same_word(std::string_view a, std::string_view lower) { return lower_case(a) == lower; }

EncryptedResource read(JsonObject const& entry) {
  DiskEncryptionSet const set = read_disk_encryption_set(entry);
  return {set.key, set.registration({})};
}

Body name_key(JsonObject const& as_read, KeyIdentifier const& key) {
  return write_active_key(read_disk_encryption_set(as_read),
                          fmt::format("https://{}/keys/{}/{}", key.host, key.name, key.version));
}

// Azure looks for a new version and moves within the hour (disk-encryption.md); a quarter more before anybody
// is alarmed.
constexpr auto lag = std::chrono::minutes(75);

}  // namespace

ResourceKind const disk_encryption_sets{.type = disk_encryption_set_type,
                                        .list = "Microsoft.Compute/diskEncryptionSets",
                                        .api_version = disk_api_version,
                                        .following_lag = lag,
                                        .read = read,
                                        .name_key = name_key};

DiskEncryptionSet read_disk_encryption_set(JsonObject const& object) {
  DiskEncryptionSet set;
  set.id = read_arm_id(object, disk_encryption_set_type, "a disk encryption set");
  set.identity = object.object_if("identity").text_if("type");
  JsonObject const properties = object.object("properties");
  set.encryption_type = properties.text_if("encryptionType");
  set.key = read_key(properties);
  set.source_vault = properties.object_if("activeKey").object_if("sourceVault").text_if("id");
  for (JsonObject const& previous : properties.objects_if("previousKeys")) {
    set.previous_keys.push_back(previous.text("keyUrl"));
  }
  set.provisioning_state = properties.text_if("provisioningState");
  set.follows_by_itself = properties.flag_if("rotationToLatestKeyVersionEnabled").value_or(false);
  set.last_rotation = properties.date_if("lastKeyRotationTimestamp");
  JsonObject const trouble = properties.object_if("autoKeyRotationError");
  if (trouble.present()) {
    set.auto_rotation_error = fmt::format("{}: {}", body_excerpt(trouble.text_if("code")),
                                          body_excerpt(trouble.text_if("message")));
  }
  return set;
}

bool DiskEncryptionSet::confidential() const {
  return same_word(encryption_type, "confidentialvmencryptedwithcustomerkey");
}

bool DiskEncryptionSet::changing() const {
  return !provisioning_state.empty() && !same_word(provisioning_state, "succeeded") &&
         !same_word(provisioning_state, "failed");
}

std::optional<ResourceCondition> DiskEncryptionSet::condition() const {
  if (identity.empty() || same_word(identity, "none")) {
    return ResourceCondition{
        "no_identity", "the disk encryption set has no identity any more: it cannot use its key",
        "give it an identity, and that identity get, wrapKey and unwrapKey on the key; a "
        "move to another subscription or tenant takes it away"};
  }
  if (key.version.empty()) {
    return ResourceCondition{"no_key_version", "the disk encryption set names its key without a version",
                             "name a version of the key to it: disk encryption sets need one"};
  }
  if (changing()) {
    return ResourceCondition{
        "changing", fmt::format("Azure is changing the disk encryption set ({})", provisioning_state),
        "nothing: rekeyd waits for its end"};
  }
  if (!previous_keys.empty()) {
    return ResourceCondition{
        "partly_moved",
        fmt::format("a change of key has not come to its end: {} older keys are still in use",
                    previous_keys.size()),
        "keep the older versions enabled; the change has to be asked for again"};
  }
  if (same_word(provisioning_state, "failed")) {
    return ResourceCondition{"failed", "the last change of the disk encryption set failed",
                             "look at its activity log; the change has to be asked for again"};
  }
  if (!auto_rotation_error.empty()) {
    return ResourceCondition{
        "following_stopped",
        "Azure no longer moves the disk encryption set to new versions: " + auto_rotation_error,
        "mend what the error names; Azure tries again once it is gone"};
  }
  return std::nullopt;
}

Registration DiskEncryptionSet::registration(KeyRef root_key) const {
  Registration tie;
  tie.key = std::move(root_key);
  tie.resource = id.resource();
  tie.kind = "disk-encryption-set";
  if (!key.version.empty()) tie.version = VersionId(key.version);
  tie.prevents_deletion = true;
  tie.updated = last_rotation;
  tie.following = confidential()      ? Following::when_told_at_rest
                  : follows_by_itself ? Following::by_itself
                                      : Following::when_told;
  tie.condition = condition();
  tie.details["encryption_type"] = encryption_type;
  tie.details["identity"] = identity;
  if (!previous_keys.empty()) tie.details["previous_keys"] = fmt::format("{}", fmt::join(previous_keys, " "));
  return tie;
}

Result<std::vector<ResourceId>> parse_associated_resources(std::string_view body, std::string const& where) {
  JsonAnswer answer(body);
  std::vector<ResourceId> resources;
  for (std::string const& text : answer.root().texts_if("value")) {
    if (auto const id = ArmId::parse(text)) resources.push_back(id->resource());
  }
  if (!answer.sound()) return std::unexpected(answer.error(where));
  return resources;
}

// sourceVault stays exactly as it was read: it must not be there for a vault of another subscription than the
// set's own, or for an HSM pool. It is optional, and of another vault we do not know the id.
Body write_active_key(DiskEncryptionSet const& set, std::string const& key_url) {
  json::object active{{"keyUrl", key_url}};
  auto const key = KeyIdentifier::parse(key_url);
  bool const same_vault = key && key->host == set.key.host;
  if (same_vault && !set.source_vault.empty()) active["sourceVault"] = json::object{{"id", set.source_vault}};
  json::object const body{{"properties", json::object{{"activeKey", std::move(active)}}}};
  std::string const text = json::serialize(body);
  return {text.data(), text.size()};
}

}  // namespace rekeyd::providers::azure
