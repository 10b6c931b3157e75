#include "tests/simulator/azure/vault.hpp"

#include <boost/json.hpp>

/// Soft delete. A key is removed with all its versions; for about a second it is in neither place.
namespace rekeyd::sim::azure {

namespace {

constexpr std::chrono::seconds transition{1};

Answer deleted_not_found(std::string const& name) {
  return error_answer(404, "KeyNotFound", "Deleted Key not found: " + name);
}

Answer being_deleted() {
  return error_answer(409, "Conflict", "Key is currently being deleted.", "ObjectIsBeingDeleted");
}

}  // namespace

Answer Vault::remove(Call const& call) {
  if (!allows(Work::remove, call)) return too_much(Work::remove);
  auto const key = live_key(call.target.segments[1], call.now);
  if (!key) return key.error();
  (*key)->deleted = call.now;
  (*key)->recovered.reset();
  auto body = bundle_json(**key, (*key)->versions.back(), call.writing);
  add_deletion(body, **key, call.writing);
  return ok(std::move(body), "keys.delete");
}

Answer Vault::deleted_key(Call const& call) {
  if (!allows(Work::read, call)) return too_much(Work::read);
  std::string const& name = call.target.segments[1];
  auto const found = keys_.find(lower(name));
  if (found == keys_.end() || !found->second.deleted || call.now < *found->second.deleted + transition) {
    return deleted_not_found(name);
  }
  Key const& key = found->second;
  auto body = bundle_json(key, key.versions.back(), call.writing);
  add_deletion(body, key, call.writing);
  return ok(std::move(body), "deletedkeys.get");
}

Answer Vault::recover(Call const& call) {
  if (!allows(Work::remove, call)) return too_much(Work::remove);
  std::string const& name = call.target.segments[1];
  auto const found = keys_.find(lower(name));
  if (found == keys_.end() || !found->second.deleted) return deleted_not_found(name);
  Key& key = found->second;
  if (call.now < *key.deleted + transition) return being_deleted();
  key.deleted.reset();
  key.recovered = call.now;
  return ok(bundle_json(key, key.versions.back(), call.writing), "deletedkeys.recover");
}

Answer Vault::purge(Call const& call) {
  if (!allows(Work::remove, call)) return too_much(Work::remove);
  std::string const& name = call.target.segments[1];
  auto const found = keys_.find(lower(name));
  if (found == keys_.end() || !found->second.deleted) return deleted_not_found(name);
  if (call.now < *found->second.deleted + transition) return being_deleted();
  keys_.erase(found);
  return {204, {}, {}, "deletedkeys.purge"};
}

}  // namespace rekeyd::sim::azure
