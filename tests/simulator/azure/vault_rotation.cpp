#include "tests/simulator/azure/vault.hpp"
#include "tests/simulator/randomness.hpp"
#include "tests/simulator/rsa_pool.hpp"

#include <boost/json.hpp>

namespace rekeyd::sim::azure {

namespace json = boost::json;

namespace {

Answer too_old() { return bad_parameter("The operation needs api-version 7.3 or later."); }

}  // namespace

KeyVersion& Vault::rotate_key(Key& key, Instant at, Instant visible_from) {
  KeyVersion const& previous = key.versions.back();
  KeyVersion version;
  version.shape = previous.shape;
  version.material = make_material(previous.shape, pool_, random_, &previous.material);
  version.key_ops = previous.key_ops;
  version.created = version.updated = at;
  version.visible_from = visible_from;
  if (key.policy && key.policy->expiry_time) version.expires = key.policy->expiry_time->after(at);
  if (settings_.rotate_keeps.contains("tags")) version.tags = previous.tags;
  if (settings_.rotate_keeps.contains("exportable")) version.exportable = previous.exportable;
  if (settings_.rotate_keeps.contains("release_policy")) version.release_policy = previous.release_policy;
  return append(key, std::move(version));
}

/// The service's own rotation, made up for when somebody looks: the version has the moment at which it was
/// due.
void Vault::rotate_if_due(Key& key, Instant now) {
  while (key.policy && !key.managed) {
    KeyVersion const& newest = key.versions.back();
    auto const due = key.policy->due(newest.created, newest.expires);
    bool const full = settings_.kind == VaultKind::managed_hsm && key.versions.size() >= 100;
    if (!due || *due > now || full) return;
    // A policy set on an old key acts from the moment it was set.
    Instant const at = std::max(*due, key.policy->updated);
    rotate_key(key, at, at);
  }
}

Answer Vault::rotate(Call const& call) {
  if (call.too_old_for_rotation) return too_old();
  auto const key = live_key(call.target.segments[1], call.now);
  if (!key) return key.error();
  auto const rotated = key_for_new_version(call.target.segments[1], call.now);
  if (!rotated) return rotated.error();
  if (!allows(Work::create, (*key)->versions.back().shape, call.now)) return too_much(Work::create);
  // That a policy must come first is documented; the answer without one was never seen on the wire.
  if (settings_.kind == VaultKind::managed_hsm && !(*key)->policy) {
    return bad_parameter("Key rotation policy is not set on key " + (*key)->name + ".");
  }
  KeyVersion const& version = rotate_key(**key, call.now, call.now + call.request.lag);
  return ok(bundle_json(**key, version, call.writing), "keys.rotate");
}

Answer Vault::rotation_policy(Call const& call) {
  if (call.too_old_for_rotation) return too_old();
  if (!allows(Work::read, call)) return too_much(Work::read);
  auto const key = live_key(call.target.segments[1], call.now);
  if (!key) return key.error();
  if (call.request.method == "PUT") return put_rotation_policy(call, **key);
  if (call.request.method != "GET") return method_not_allowed(call.request.method);
  auto body = policy_json((*key)->policy, settings_.kind);
  if ((*key)->policy) body["id"] = call.writing.base + "/keys/" + (*key)->name + "/rotationpolicy";
  return ok(std::move(body), "rotationpolicy.get");
}

Answer Vault::put_rotation_policy(Call const& call, Key& key) {
  auto const body = json_object(call.request.body);
  if (!body) return bad_parameter("The request body is not a JSON object.");
  auto policy = parse_policy(*body, settings_.kind, key.versions.back().expires, call.now);
  if (!policy) return bad_parameter(policy.error());
  if (key.policy) policy->created = key.policy->created;
  auto answer = policy_json(*policy, settings_.kind);
  answer["id"] = call.writing.base + "/keys/" + key.name + "/rotationpolicy";
  if (is_empty(*policy)) {
    key.policy.reset();
  } else {
    key.policy = std::move(*policy);
  }
  return ok(std::move(answer), "rotationpolicy.put");
}

}  // namespace rekeyd::sim::azure
