#include "daemon/rotation_request.hpp"

#include <fmt/format.h>

#include <utility>
#include <vector>

namespace rekeyd::daemon {

namespace {

Error error_of(ErrorClass error_class, std::string what, std::string remedy) {
  Error error;
  error.error_class = error_class;
  error.delivery = Delivery::not_sent;
  error.what = std::move(what);
  error.remedy = std::move(remedy);
  return error;
}

Error ambiguous(std::string const& words, std::vector<TrackedKey*> const& found) {
  std::string names;
  for (TrackedKey const* key : found) names += (names.empty() ? "" : ", ") + key->stored.key.ref.text();
  return error_of(ErrorClass::conflict, fmt::format("'{}' names {} keys: {}", words, found.size(), names),
                  "give the full reference of one of them");
}

std::optional<Error> held_by_floor(World& world, RootKey const& root) {
  auto const& capabilities = world.provider(root.ref.provider)->kms->capabilities(root.ref);
  if (!capabilities.rotation_floor || !root.last_rotated) return std::nullopt;
  Instant const free = *root.last_rotated + *capabilities.rotation_floor;
  if (free <= world.clock.wall_now()) return std::nullopt;
  return error_of(
      ErrorClass::conflict,
      fmt::format("the provider allows the next rotation of {} at {}", root.ref.text(), to_rfc3339(free)),
      "ask again then");
}

bool lacks_material(TrackedKey const& key) {
  auto const* applied = std::get_if<AppliedPolicy>(&key.match);
  bool const named = applied != nullptr && !applied->material.empty();
  return key.stored.key.origin == Origin::imported && !named;
}

}  // namespace

Result<TrackedKey*> find_key_by_words(Fleet& fleet, std::string const& words) {
  if (auto const ref = KeyRef::parse(words)) {
    if (TrackedKey* key = fleet.find(*ref)) return key;
  }
  std::vector<TrackedKey*> found;
  for (auto const& [ref, key] : fleet.keys()) {
    if (key.stored.key.name == words || ref.id.str() == words) found.push_back(fleet.find(ref));
  }
  if (found.size() == 1) return found.front();
  if (found.size() > 1) return std::unexpected(ambiguous(words, found));
  return std::unexpected(error_of(ErrorClass::not_found, fmt::format("no key '{}' is known", words),
                                  "`rekeyctl keys` lists them all"));
}

std::optional<Error> why_not_on_request(World& world, Fleet const& fleet, TrackedKey const& key) {
  RootKey const& root = key.stored.key;
  std::string const name = root.ref.text();
  if (world.provider(root.ref.provider) == nullptr) {
    return error_of(ErrorClass::conflict, "the configuration no longer names the provider of " + name, "");
  }
  if (key.rotation) {
    return error_of(
        ErrorClass::conflict,
        fmt::format("rotation {} of {} is {}", key.rotation->id.str(), name, to_text(key.rotation->state)),
        key.rotation->state == RotationState::blocked ? "`rekeyctl retry` or `rekeyctl abandon` it"
                                                      : "wait until it has ended");
  }
  if (auto why = used_by_disk_encryption(std::get_if<AppliedPolicy>(&key.match), key.never_follow)) {
    return error_of(ErrorClass::permanent, fmt::format("{} is not rotated: {}", name, *why), "");
  }
  Verdict const said = fleet.verdict(key);
  if (lacks_material(key)) {
    return error_of(ErrorClass::permanent,
                    fmt::format("{} cannot be rotated: its material was imported, a new version needs new "
                                "material",
                                name),
                    "name a source of it in the key's policy (material: NAME)");
  }
  bool const out_of_scope = key.stored.gone || root.managed_elsewhere || root.state != KeyState::active ||
                            said.status == KeyStatus::unknown;
  if (out_of_scope) {
    return error_of(ErrorClass::permanent, fmt::format("{} cannot be rotated: {}", name, said.sentence), "");
  }
  return held_by_floor(world, root);
}

Error no_such_rotation(RotationId const& id) {
  return error_of(ErrorClass::not_found, fmt::format("no rotation '{}' is known", id.str()),
                  "`rekeyctl history` names them");
}

Error rotation_has_ended(Rotation const& rotation) {
  return error_of(ErrorClass::conflict,
                  fmt::format("rotation {} has ended: {}", rotation.id.str(), to_text(rotation.state)), "");
}

}  // namespace rekeyd::daemon
