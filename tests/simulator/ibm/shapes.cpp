#include "tests/simulator/ibm/shapes.hpp"

#include "tests/simulator/crypto.hpp"
#include "tests/simulator/message.hpp"

#include <boost/json.hpp>

namespace rekeyd::sim::ibm {

namespace json = boost::json;

namespace {

json::array texts(std::vector<std::string> const& list) {
  json::array result;
  for (auto const& text : list) result.emplace_back(text);
  return result;
}

void describe_material(json::object& object, Key const& key, Instance const& instance, Instant now) {
  // What a key was made of says nothing about its use today; the service shows these for old clients.
  object["algorithmType"] = "Deprecated";
  object["algorithmMode"] = "Deprecated";
  object["algorithmMetadata"] = {{"bitLength", "256"}, {"mode", "Deprecated"}};
  object["algorithmBitSize"] = 256;
  if (key.extractable) return;
  auto const seen = key.versions_seen(now);
  object["keyVersion"] = version_object(instance, key.versions[seen - 1]);
  if (!key.last_rotated) return;
  // A version that reads do not show yet has not been rotated to either, as far as they can tell.
  auto const rotated = seen == key.versions.size() ? *key.last_rotated : key.versions[seen - 1].created;
  if (seen > 1) object["lastRotateDate"] = instance.date(rotated);
}

void describe_policies(json::object& object, Key const& key, Instance const& instance) {
  if (auto const& policy = key.rotation_policy) {
    json::object rotation{{"enabled", policy->enabled}};
    if (policy->interval_month) rotation["interval_month"] = *policy->interval_month;
    object["rotation"] = std::move(rotation);
  }
  json::object dual{{"enabled", key.dual_auth && key.dual_auth->enabled}};
  if (key.dual_auth && key.dual_auth->enabled) {
    auto const& set = key.dual_auth->set_for_deletion;
    dual["keySetForDeletion"] = set.has_value();
    if (set) dual["authExpiration"] = instance.date(set->at + deletion_window);
  }
  object["dualAuthDelete"] = std::move(dual);
}

void describe_deletion(json::object& object, Key const& key, Instance const& instance, Instant now) {
  if (!key.deleted) return;
  auto const at = key.deleted->at;
  auto const expired = key.expires && *key.expires <= now;
  object["deleted"] = true;
  object["deletionDate"] = instance.date(at);
  object["deletedBy"] = key.deleted->by;
  object["restoreAllowed"] = !expired && now <= at + restore_limit;
  object["restoreExpirationDate"] = instance.date(at + restore_limit);
  object["purgeAllowed"] = now >= at + purge_pause;
  object["purgeAllowedFrom"] = instance.date(at + purge_pause);
  object["purgeScheduledOn"] = instance.date(at + purge_limit);
}

}  // namespace

Answer collection(Instance const& instance, std::string_view type, json::array resources,
                  std::optional<std::size_t> total) {
  json::object metadata{{"collectionType", type}, {"collectionTotal", resources.size()}};
  if (total) metadata["totalCount"] = *total;
  json::object body{{"metadata", std::move(metadata)}};
  auto const empty = instance.settings().oddities.empty_list;
  if (!resources.empty() || empty == Oddities::EmptyList::empty_array) {
    body["resources"] = std::move(resources);
  } else if (empty == Oddities::EmptyList::null) {
    body["resources"] = nullptr;
  }
  return json_answer(200, body);
}

Answer single(unsigned status, std::string_view type, json::object resource) {
  return json_answer(status, json::object{{"metadata", {{"collectionType", type}, {"collectionTotal", 1}}},
                                          {"resources", json::array{std::move(resource)}}});
}

Answer no_content() { return {204, {}, {}}; }

json::object version_object(Instance const& instance, KeyVersion const& version) {
  return {{"id", version.id}, {"creationDate", instance.date(version.created)}};
}

json::object key_object(Instance const& instance, Key const& key, Instant now) {
  json::object object{{"type", key_type}, {"id", key.id}, {"name", key.name}};
  if (!key.aliases.empty()) object["aliases"] = texts(key.aliases);
  if (!key.description.empty()) object["description"] = key.description;
  if (!key.tags.empty()) object["tags"] = texts(key.tags);
  object["state"] = static_cast<int>(key.state);
  if (key.expires) object["expirationDate"] = instance.date(*key.expires);
  object["extractable"] = key.extractable;
  object["crn"] = instance.crn("key", key.id);
  object["imported"] = key.imported;
  object["keyRingID"] = key.ring;
  object["creationDate"] = instance.date(key.created.at);
  object["createdBy"] = key.created.by;
  object["lastUpdateDate"] = instance.date(key.last_updated);
  describe_material(object, key, instance, now);
  describe_policies(object, key, instance);
  describe_deletion(object, key, instance, now);
  return object;
}

json::object key_object_with_payload(Instance const& instance, Key const& key, Instant now) {
  auto object = key_object(instance, key, now);
  if (key.extractable && !key.deleted) object["payload"] = base64(key.payload);
  return object;
}

json::object registration_object(Instance const& instance, Key const& key, Registration const& registration) {
  json::object object{{"keyId", key.id},
                      {"keyName", key.name},
                      {"resourceCrn", registration.resource_crn},
                      {"createdBy", registration.created_by},
                      {"creationDate", instance.date(registration.created)},
                      {"updatedBy", registration.created_by},
                      {"lastUpdated", instance.date(registration.last_updated)},
                      {"preventKeyDeletion", registration.prevents_deletion}};
  if (!registration.description.empty()) object["description"] = registration.description;
  auto const* version = key.version(registration.version_id);
  if (version != nullptr && !instance.settings().oddities.registrations_without_version) {
    object["keyVersion"] = version_object(instance, *version);
  }
  return object;
}

}  // namespace rekeyd::sim::ibm
