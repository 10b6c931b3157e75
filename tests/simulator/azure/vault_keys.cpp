#include "tests/simulator/azure/vault.hpp"
#include "tests/simulator/randomness.hpp"
#include "tests/simulator/rsa_pool.hpp"

#include <boost/json.hpp>

namespace rekeyd::sim::azure {

namespace {

constexpr std::size_t hsm_version_limit = 100;
/// For about a second after a delete or a recover the object is in neither place.
constexpr std::chrono::seconds transition{1};

Answer malformed_body() { return bad_parameter("The request body is not a JSON object."); }

std::string version_segment(Target const& target) {
  return target.segments.size() > 2 ? target.segments[2] : std::string();
}

}  // namespace

Or<Key*> Vault::live_key(std::string const& name, Instant now) {
  auto const found = keys_.find(lower(name));
  if (found == keys_.end() || found->second.deleted) return std::unexpected(key_not_found(name, {}));
  Key& key = found->second;
  if (key.recovered && now < *key.recovered + transition) return std::unexpected(key_not_found(name, {}));
  rotate_if_due(key, now);
  return &key;
}

Or<KeyVersion*> Vault::version_of(Key& key, std::string const& id, Instant now) {
  KeyVersion* const version = id.empty() ? key.latest(now) : key.find(id, now);
  if (version == nullptr) return std::unexpected(key_not_found(key.name, id));
  return version;
}

/// The key that a create, import or rotate adds to; null when there is none of that name.
Or<Key*> Vault::key_for_new_version(std::string const& name, Instant now) {
  auto const found = keys_.find(lower(name));
  if (found == keys_.end()) return nullptr;
  Key& key = found->second;
  if (key.deleted && now < *key.deleted + transition) {
    return std::unexpected(
        error_answer(409, "Conflict", "Key is currently being deleted.", "ObjectIsBeingDeleted"));
  }
  if (key.deleted) {
    return std::unexpected(
        error_answer(409, "Conflict",
                     "Key " + name +
                         " is currently in a deleted but recoverable state, and its name cannot be "
                         "reused; in this state, the key can only be recovered or purged.",
                     "ObjectIsDeletedButRecoverable"));
  }
  if (key.recovered && now < *key.recovered + transition) {
    return std::unexpected(
        error_answer(409, "Conflict", "Key is currently being recovered.", "ObjectIsBeingRecovered"));
  }
  rotate_if_due(key, now);
  if (settings_.kind == VaultKind::managed_hsm && key.versions.size() >= hsm_version_limit) {
    return std::unexpected(bad_parameter("The key has reached the maximum number of versions (100)."));
  }
  if (key.managed) {
    return std::unexpected(error_answer(403, "Forbidden",
                                        "Operation is not allowed on a key that belongs to a certificate.",
                                        "KeyOperationForbidden"));
  }
  return &key;
}

KeyVersion& Vault::append(Key& key, KeyVersion version) {
  version.id = random_.hex(32);
  key.versions.push_back(std::move(version));
  return key.versions.back();
}

Answer Vault::add_version(Call const& call, KeyVersion version, KeyChanges const& changes,
                          char const* operation) {
  if (version.key_ops.empty()) version.key_ops = all_operations(version.shape, settings_.kind);
  if (auto refused = apply(changes, version)) return *refused;
  version.created = version.updated = call.now;
  version.visible_from = call.now + call.request.lag;
  std::string const& name = call.target.segments[1];
  Key& key = keys_.try_emplace(lower(name), Key{name, {}, {}, false, 0, {}, {}}).first->second;
  KeyVersion const& added = append(key, std::move(version));
  return ok(bundle_json(key, added, call.writing), operation);
}

Answer Vault::create(Call const& call) {
  auto const body = json_object(call.request.body);
  if (!body) return malformed_body();
  auto wanted = parse_create(*body, settings_.kind);
  if (!wanted) return wanted.error();
  if (!allows(Work::create, wanted->shape, call.now)) return too_much(Work::create);
  auto const existing = key_for_new_version(call.target.segments[1], call.now);
  if (!existing) return existing.error();
  KeyVersion version;
  version.shape = wanted->shape;
  auto const* previous = *existing == nullptr ? nullptr : &(*existing)->versions.back().material;
  version.material = make_material(version.shape, pool_, random_, previous);
  return add_version(call, std::move(version), wanted->changes, "keys.create");
}

Answer Vault::import_key(Call const& call) {
  auto const body = json_object(call.request.body);
  if (!body) return malformed_body();
  auto brought = parse_import(*body, settings_.kind);
  if (!brought) return brought.error();
  if (!allows(Work::import, brought->shape, call.now)) return too_much(Work::import);
  auto const existing = key_for_new_version(call.target.segments[1], call.now);
  if (!existing) return existing.error();
  KeyVersion version;
  version.shape = brought->shape;
  version.material = std::move(brought->material);
  return add_version(call, std::move(version), brought->changes, "keys.import");
}

Answer Vault::get(Call const& call) {
  if (!allows(Work::read, call)) return too_much(Work::read);
  auto const key = live_key(call.target.segments[1], call.now);
  if (!key) return key.error();
  auto const version = version_of(**key, version_segment(call.target), call.now);
  if (!version) return version.error();
  return ok(bundle_json(**key, **version, call.writing), "keys.get");
}

Answer Vault::update(Call const& call) {
  if (!allows(Work::read, call)) return too_much(Work::read);
  auto const body = json_object(call.request.body);
  if (!body) return malformed_body();
  auto const changes = parse_changes(*body);
  if (!changes) return changes.error();
  auto const key = live_key(call.target.segments[1], call.now);
  if (!key) return key.error();
  auto const version = version_of(**key, version_segment(call.target), call.now);
  if (!version) return version.error();
  if (auto refused = apply(*changes, **version)) return *refused;
  (*version)->updated = call.now;
  return ok(bundle_json(**key, **version, call.writing), "keys.update");
}

}  // namespace rekeyd::sim::azure
