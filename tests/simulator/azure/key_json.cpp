#include "tests/simulator/azure/key_json.hpp"

#include "tests/simulator/randomness.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace rekeyd::sim::azure {

namespace json = boost::json;

namespace {

constexpr int recoverable_days = 90;

std::int64_t seconds(Instant instant) { return instant.time_since_epoch().count(); }

json::value sorted(json::value value) {
  if (value.is_array()) {
    for (auto& entry : value.get_array()) entry = sorted(std::move(entry));
  }
  if (!value.is_object()) return value;
  std::vector<json::key_value_pair*> members;
  for (auto& member : value.get_object()) members.push_back(&member);
  std::ranges::sort(members, {}, [](json::key_value_pair const* member) { return member->key(); });
  json::object result;
  result.reserve(members.size());
  for (auto* const member : members) result.emplace(member->key(), sorted(std::move(member->value())));
  return result;
}

json::array operations_json(std::vector<std::string> operations, Writing const& writing) {
  if (writing.kind == VaultKind::managed_hsm) {
    for (std::size_t i = operations.size(); i > 1; --i) {
      std::swap(operations[i - 1], operations[writing.random.below(i)]);
    }
  }
  return json::array(operations.begin(), operations.end());
}

json::object attributes_json(KeyVersion const& version, VaultKind kind) {
  json::object attributes{{"enabled", version.enabled}};
  if (version.not_before) attributes["nbf"] = seconds(*version.not_before);
  if (version.expires) attributes["exp"] = seconds(*version.expires);
  attributes["created"] = seconds(version.created);
  attributes["updated"] = seconds(version.updated);
  attributes["recoveryLevel"] = "Recoverable+Purgeable";
  attributes["recoverableDays"] = recoverable_days;
  attributes["exportable"] = version.exportable;
  if (kind == VaultKind::vault) attributes["hsmPlatform"] = version.shape.hsm ? "2" : "0";
  return attributes;
}

json::object jwk(Key const& key, KeyVersion const& version, Writing const& writing) {
  json::object object{{"kid", key_id(key, version, writing)},
                      {"kty", version.shape.kty()},
                      {"key_ops", operations_json(version.key_ops, writing)}};
  if (version.material.rsa) {
    object["n"] = base64url(version.material.rsa->modulus());
    object["e"] = base64url(version.material.rsa->exponent());
  }
  if (version.shape.type == KeyType::ec) {
    object["crv"] = version.shape.curve;
    object["x"] = base64url(version.material.ec_x);
    object["y"] = base64url(version.material.ec_y);
  }
  return object;
}

void add_common(json::object& object, Key const& key, KeyVersion const& version) {
  if (version.tags) {
    json::object tags;
    for (auto const& [name, value] : *version.tags) tags[name] = value;
    object["tags"] = std::move(tags);
  }
  if (key.managed) object["managed"] = true;
}

}  // namespace

std::string key_id(Key const& key, KeyVersion const& version, Writing const& writing) {
  return fmt::format("{}/keys/{}/{}", writing.base, key.name, version.id);
}

json::object bundle_json(Key const& key, KeyVersion const& version, Writing const& writing) {
  json::object bundle{{"key", jwk(key, version, writing)},
                      {"attributes", attributes_json(version, writing.kind)}};
  add_common(bundle, key, version);
  if (!version.release_policy.empty()) bundle["release_policy"] = json::parse(version.release_policy);
  return bundle;
}

json::object item_json(Key const& key, KeyVersion const& version, bool with_version, Writing const& writing) {
  auto const kid =
      with_version ? key_id(key, version, writing) : fmt::format("{}/keys/{}", writing.base, key.name);
  json::object item{{"kid", kid}, {"attributes", attributes_json(version, writing.kind)}};
  add_common(item, key, version);
  return item;
}

void add_deletion(json::object& object, Key const& key, Writing const& writing) {
  object["recoveryId"] = fmt::format("{}/deletedkeys/{}", writing.base, key.name);
  object["deletedDate"] = seconds(*key.deleted);
  object["scheduledPurgeDate"] = seconds(*key.deleted + std::chrono::days(recoverable_days));
}

json::object written(json::object object, VaultKind kind) {
  if (kind == VaultKind::vault) return object;
  json::value in_order = sorted(std::move(object));
  return std::move(in_order.get_object());
}

}  // namespace rekeyd::sim::azure
