#include "tests/simulator/crypto.hpp"
#include "tests/simulator/ibm/names.hpp"
#include "tests/simulator/ibm/operations.hpp"
#include "tests/simulator/ibm/policy_rules.hpp"
#include "tests/simulator/ibm/shapes.hpp"
#include "tests/simulator/randomness.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace rekeyd::sim::ibm {

namespace json = boost::json;

namespace {

constexpr std::size_t generated_key_bytes = 32;
constexpr std::size_t standard_payload_limit = 7500;

std::optional<Refusal> check_length(std::string_view field, std::size_t length, std::size_t least,
                                    std::size_t most) {
  if (length >= least && length <= most) return std::nullopt;
  return refuse_field(std::string(field),
                      fmt::format("The field '{}' must be: {} to {} long", field, least, most))
      .error();
}

std::optional<Refusal> read_words(json::object const& body, Key& key) {
  auto name = text_member(body, "name");
  if (!name) return name.error();
  key.name = name->value_or("");
  if (auto bad = check_length("name", key.name.size(), 2, 90)) return bad;
  auto description = text_member(body, "description");
  if (!description) return description.error();
  if (*description) {
    key.description = **description;
    if (auto bad = check_length("description", key.description.size(), 2, 240)) return bad;
  }
  auto tags = text_list_member(body, "tags");
  if (!tags) return tags.error();
  key.tags = *tags;
  if (auto bad = check_length("tags", key.tags.size(), 0, 30)) return bad;
  auto aliases = text_list_member(body, "aliases");
  if (!aliases) return aliases.error();
  key.aliases = *aliases;
  return check_length("aliases", key.aliases.size(), 0, aliases_per_key);
}

std::optional<Refusal> read_expiry(json::object const& body, Key& key, Instant now) {
  auto const text = text_member(body, "expirationDate");
  if (!text) return text.error();
  if (!*text) return std::nullopt;
  key.expires = parse_rfc3339(**text);
  if (key.expires && *key.expires > now) return std::nullopt;
  return refuse_field("expirationDate", "The field 'expirationDate' must be: an RFC 3339 date in the future")
      .error();
}

std::optional<Refusal> read_material(json::object const& body, Key& key, std::string& material) {
  auto const payload = text_member(body, "payload");
  if (!payload) return payload.error();
  if (!*payload) return std::nullopt;
  auto decoded = from_base64(**payload);
  if (!decoded || decoded->empty()) {
    return refuse_field("payload", "The field 'payload' must be: base64 encoded").error();
  }
  key.imported = true;
  material = std::move(*decoded);
  if (key.extractable) return check_length("payload", material.size(), 1, standard_payload_limit);
  if (is_root_key_size(material.size())) return std::nullopt;
  return refuse_field("payload", "The field 'payload' must be: 16, 24 or 32 bytes").error();
}

bool creation_is_allowed(Instance const& instance, Key const& key) {
  auto const* policy = instance.policy_in_force("keyCreateImportAccess");
  if (policy == nullptr) return true;
  auto const name =
      fmt::format("{}_{}_key", key.imported ? "import" : "create", key.extractable ? "standard" : "root");
  auto const found = policy->permissions.find(name);
  if (found != policy->permissions.end() && !found->second) return false;
  // Material that must come under an import token may not come plain.
  auto const enforced = policy->permissions.find("enforce_token");
  return !(key.imported && enforced != policy->permissions.end() && enforced->second);
}

std::optional<Refusal> read_overrides(json::object const& body, Key& key, Stamp const& stamp,
                                      Randomness& random) {
  if (auto const* rotation = body.if_contains("rotation")) {
    if (!rotation->is_object()) return refuse_body("The field 'rotation' must be an object").error();
    auto const wish = rotation_wish(rotation->get_object());
    if (!wish) return wish.error();
    if (auto bad = set_rotation_policy(key, *wish, stamp, random)) return bad;
  }
  if (auto const* dual = body.if_contains("dualAuthDelete")) {
    if (!dual->is_object()) return refuse_body("The field 'dualAuthDelete' must be an object").error();
    auto const wish = dual_auth_wish(dual->get_object());
    if (!wish) return wish.error();
    if (auto bad = set_dual_auth(key, *wish, stamp, random)) return bad;
  }
  return std::nullopt;
}

// Instance policies are what a new key gets unless the request says otherwise.
void inherit_policies(Instance const& instance, Key& key, Stamp const& stamp) {
  auto const* rotation = instance.policy_in_force("rotation");
  if (rotation != nullptr && !key.rotation_policy && !key.imported && !key.extractable) {
    key.rotation_policy =
        KeyRotationPolicy{instance.random().uuid(), true, rotation->interval_month, stamp, stamp};
  }
  if (instance.policy_in_force("dualAuthDelete") != nullptr && !key.dual_auth) {
    key.dual_auth = DualAuthDelete{instance.random().uuid(), true, stamp, stamp, {}};
  }
}

void give_material(Instance const& instance, Key& key, std::string material, Instant now,
                   std::chrono::seconds lag) {
  if (material.empty()) material = instance.random().bytes(generated_key_bytes);
  if (key.extractable) {
    key.payload = std::move(material);
    return;
  }
  auto const same = instance.settings().oddities.first_version_is_key_id;
  key.versions.push_back({same ? key.id : instance.random().uuid(), now, std::move(material), now + lag});
}

std::optional<Refusal> place(Instance const& instance, Key& key, Call const& call) {
  if (!call.key_ring().empty()) key.ring = std::string(call.key_ring());
  if (!instance.key_rings.contains(key.ring)) {
    return refuse(404, "", "The key ring does not exist").error();
  }
  for (auto const& alias : key.aliases) {
    if (auto bad = alias_objection(instance, alias)) return bad;
  }
  return std::nullopt;
}

/// The key that a body describes, with nothing done yet.
Granted<Key> new_key(Instance& instance, Call const& call, json::object const& body, std::string& material) {
  Stamp const stamp{call.caller.iam_id, call.now};
  auto const extractable = flag_member(body, "extractable");
  if (!extractable) return std::unexpected(extractable.error());
  Key key{.id = instance.random().uuid(), .name = {}};
  key.extractable = extractable->value_or(true);
  key.created = stamp;
  key.last_updated = call.now;
  key.seen_from = call.now + call.request.lag;
  if (auto const bad = read_words(body, key)) return std::unexpected(*bad);
  if (auto const bad = read_expiry(body, key, call.now)) return std::unexpected(*bad);
  if (auto const bad = read_material(body, key, material)) return std::unexpected(*bad);
  if (auto const bad = place(instance, key, call)) return std::unexpected(*bad);
  if (auto const bad = read_overrides(body, key, stamp, instance.random())) return std::unexpected(*bad);
  return key;
}

Outcome create(Instance& instance, Call const& call, json::object const& body) {
  if (instance.master_key_rotates(call.now)) {
    return refuse(503, "", "The master key is being rotated: Please try again later");
  }
  std::string material;
  auto key = new_key(instance, call, body, material);
  if (!key) return std::unexpected(key.error());
  if (!creation_is_allowed(instance, *key)) {
    return refuse(409, "KEY_CREATE_IMPORT_ACCESS_ERR",
                  "KeyCreateImportAccess instance policy does not allow this action");
  }
  inherit_policies(instance, *key, key->created);
  give_material(instance, *key, std::move(material), call.now, call.request.lag);
  auto const& made = instance.add(std::move(*key));
  if (!call.wants_representation(true)) return Answer{201, {}, {}};
  return single(201, key_type, key_object_with_payload(instance, made, call.now));
}

Granted<json::object> single_resource(Call const& call) {
  auto resources = body_resources(call.request.body);
  if (!resources) return std::unexpected(resources.error());
  if (resources->size() != 1) return refuse_body("The body must hold exactly one resource");
  return std::move(resources->front());
}

}  // namespace

Outcome create_key(Instance& instance, Call const& call) {
  auto const resource = single_resource(call);
  if (!resource) return std::unexpected(resource.error());
  auto const body = strict(*resource, {"type", "name", "description", "extractable", "aliases", "tags",
                                       "expirationDate", "payload"});
  if (!body) return std::unexpected(body.error());
  return create(instance, call, *body);
}

Outcome create_key_with_policies(Instance& instance, Call const& call) {
  auto const resource = single_resource(call);
  if (!resource) return std::unexpected(resource.error());
  auto const body = strict(*resource, {"type", "name", "description", "extractable", "aliases", "tags",
                                       "expirationDate", "payload", "rotation", "dualAuthDelete"});
  if (!body) return std::unexpected(body.error());
  return create(instance, call, *body);
}

Outcome get_key(Instance& instance, Key& key, Call const& call) {
  return single(200, key_type, key_object_with_payload(instance, key, call.now));
}

Outcome get_metadata(Instance& instance, Key& key, Call const& call) {
  return single(200, key_type, key_object(instance, key, call.now));
}

Outcome patch_key(Instance& instance, Key& key, Call const& call) {
  auto const body = body_object(call.request.body, {"keyRingID"});
  if (!body) return std::unexpected(body.error());
  auto const ring = text_member(*body, "keyRingID");
  if (!ring) return std::unexpected(ring.error());
  if (!*ring || !instance.key_rings.contains(**ring)) {
    return refuse_field("keyRingID", "The field 'keyRingID' must be: the id of a key ring");
  }
  key.ring = **ring;
  key.last_updated = call.now;
  return single(200, key_type, key_object(instance, key, call.now));
}

Outcome list_versions(Instance& instance, Key& key, Call const& call) {
  auto const cut_at = page(call, 200, 5000);
  if (!cut_at) return std::unexpected(cut_at.error());
  auto const with_total = flag_param(call, "totalCount");
  if (!with_total) return std::unexpected(with_total.error());
  auto const all_states = flag_param(call, "allKeyStates");
  if (!all_states) return std::unexpected(all_states.error());
  if (key.extractable) return refuse_standard_key();
  if (!*all_states && key.state == KeyState::destroyed) return refuse_deleted_key();
  if (!*all_states && key.state != KeyState::active) return refuse_state();

  std::vector<KeyVersion const*> versions;
  auto const seen = key.versions_seen(call.now);
  versions.reserve(seen);
  for (std::size_t i = 0; i < seen; ++i) versions.push_back(&key.versions[i]);
  auto const order = instance.settings().oddities.version_order;
  if (order == Oddities::VersionOrder::newest_first) std::ranges::reverse(versions);
  if (order == Oddities::VersionOrder::shuffled)
    std::ranges::sort(versions, {}, [](auto* v) { return v->id; });

  json::array resources;
  for (auto const* version : cut(versions, *cut_at))
    resources.emplace_back(version_object(instance, *version));
  return collection(instance, key_version_type, std::move(resources),
                    *with_total ? std::optional(seen) : std::nullopt);
}

}  // namespace rekeyd::sim::ibm
