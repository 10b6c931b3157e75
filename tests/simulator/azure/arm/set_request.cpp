#include "tests/simulator/azure/arm/set_request.hpp"

#include "tests/simulator/message.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <set>

namespace rekeyd::sim::azure::arm {

namespace json = boost::json;

namespace {

using Names = std::set<std::string, std::less<>>;

std::unexpected<Objection> refuse(std::string message) {
  return std::unexpected(Objection{400, {"InvalidParameter", std::move(message)}});
}

std::unexpected<Objection> wrong(std::string_view member) {
  return refuse(fmt::format("The value of parameter {} is invalid.", member));
}

/// The first member that is not known, or empty.
std::string stranger(json::object const& object, Names const& known) {
  for (auto const& member : object) {
    if (!known.contains(member.key())) return std::string(member.key());
  }
  return {};
}

json::object const* object_at(json::object const& object, std::string_view name) {
  auto const* value = object.if_contains({name.data(), name.size()});
  return value == nullptr ? nullptr : value->if_object();
}

bool says(json::object const& object, std::string_view name) {
  auto const* value = object.if_contains({name.data(), name.size()});
  return value != nullptr && !value->is_null();
}

std::optional<Objection> read_key(json::object const& properties, SetChange& change) {
  if (!says(properties, "activeKey")) return std::nullopt;
  auto const* active = object_at(properties, "activeKey");
  auto const url = active == nullptr ? std::nullopt : string_member(*active, "keyUrl");
  change.key = url ? parse_key_url(*url) : std::nullopt;
  if (!change.key) return wrong("activeKey.keyUrl").error();
  if (!says(*active, "sourceVault")) return std::nullopt;
  auto const* vault = object_at(*active, "sourceVault");
  auto const id = vault == nullptr ? std::nullopt : string_member(*vault, "id");
  if (!id || id->empty()) return wrong("activeKey.sourceVault.id").error();
  change.source_vault = *id;
  return std::nullopt;
}

std::optional<Objection> read_properties(json::object const& properties, SetChange& change) {
  static std::set<std::string> const types{"EncryptionAtRestWithCustomerKey",
                                           "EncryptionAtRestWithPlatformAndCustomerKeys",
                                           "ConfidentialVmEncryptedWithCustomerKey"};
  if (auto objection = read_key(properties, change)) return objection;
  if (says(properties, "rotationToLatestKeyVersionEnabled")) {
    change.follows = bool_member(properties, "rotationToLatestKeyVersionEnabled");
    if (!change.follows) return wrong("rotationToLatestKeyVersionEnabled").error();
  }
  if (says(properties, "encryptionType")) {
    change.encryption_type = string_member(properties, "encryptionType");
    if (!change.encryption_type || !types.contains(*change.encryption_type))
      return wrong("encryptionType").error();
  }
  if (says(properties, "federatedClientId")) {
    change.federated_client = string_member(properties, "federatedClientId");
    if (!change.federated_client) return wrong("federatedClientId").error();
    if (*change.federated_client == "None") change.federated_client->clear();
  }
  return std::nullopt;
}

std::optional<Objection> read_identity(json::object const& body, SetChange& change) {
  static std::set<std::string> const types{"SystemAssigned", "UserAssigned", "SystemAssigned, UserAssigned",
                                           "None"};
  if (!says(body, "identity")) return std::nullopt;
  auto const* identity = object_at(body, "identity");
  change.identity_type = identity == nullptr ? std::nullopt : string_member(*identity, "type");
  if (!change.identity_type || !types.contains(*change.identity_type)) return wrong("identity.type").error();
  if (!says(*identity, "userAssignedIdentities")) return std::nullopt;
  auto const* users = object_at(*identity, "userAssignedIdentities");
  if (users == nullptr) return wrong("identity.userAssignedIdentities").error();
  change.user_identities.emplace();
  for (auto const& user : *users) change.user_identities->emplace_back(user.key());
  return std::nullopt;
}

std::optional<Objection> read_tags(json::object const& body, SetChange& change) {
  if (!says(body, "tags")) return std::nullopt;
  auto const* tags = object_at(body, "tags");
  if (tags == nullptr) return wrong("tags").error();
  change.tags.emplace();
  for (auto const& tag : *tags) {
    if (!tag.value().is_string()) return wrong("tags").error();
    change.tags->emplace(tag.key(), tag.value().get_string());
  }
  return std::nullopt;
}

std::expected<SetChange, Objection> parse(json::object const& body) {
  SetChange change;
  if (auto objection = read_tags(body, change)) return std::unexpected(*objection);
  if (auto objection = read_identity(body, change)) return std::unexpected(*objection);
  if (!says(body, "properties")) return change;
  auto const* properties = object_at(body, "properties");
  if (properties == nullptr) return wrong("properties");
  if (auto objection = read_properties(*properties, change)) return std::unexpected(*objection);
  return change;
}

}  // namespace

std::expected<SetChange, Objection> parse_patch(json::object const& body) {
  static Names const top{"tags", "identity", "properties"};
  static Names const inner{"encryptionType", "activeKey", "rotationToLatestKeyVersionEnabled",
                           "federatedClientId"};
  std::string unknown = stranger(body, top);
  auto const* properties = object_at(body, "properties");
  if (unknown.empty() && properties != nullptr) unknown = stranger(*properties, inner);
  if (!unknown.empty())
    return refuse(
        fmt::format("Could not find member '{}' on object of type 'DiskEncryptionSetUpdate'", unknown));
  return parse(body);
}

std::expected<SetChange, Objection> parse_put(json::object const& body) {
  if (!string_member(body, "location")) return wrong("location");
  auto change = parse(body);
  if (!change) return change;
  if (!change->key) return wrong("activeKey");
  if (!change->follows) change->follows = false;
  if (!change->tags) change->tags.emplace();
  return change;
}

}  // namespace rekeyd::sim::azure::arm
