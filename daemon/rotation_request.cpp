#include "daemon/rotation_request.hpp"

#include <fmt/format.h>

#include <algorithm>
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

std::optional<Error> not_free(World& world, TrackedKey const& key) {
  std::string const name = key.stored.key.ref.text();
  if (world.provider(key.stored.key.ref.provider) == nullptr) {
    return error_of(ErrorClass::conflict, "the configuration no longer names the provider of " + name, "");
  }
  if (!key.rotation) return std::nullopt;
  return error_of(
      ErrorClass::conflict,
      fmt::format("rotation {} of {} is {}", key.rotation->id.str(), name, to_text(key.rotation->state)),
      key.rotation->state == RotationState::blocked ? "`rekeyctl retry` or `rekeyctl abandon` it"
                                                    : "wait until it has ended");
}

/// Why nothing can be done with a key at its provider, if so.
std::optional<Error> out_of_reach(Fleet const& fleet, TrackedKey const& key) {
  RootKey const& root = key.stored.key;
  bool const out = key.stored.gone || root.managed_elsewhere || root.state != KeyState::active ||
                   !key.read_error.empty() || key.stored.versions.empty() || fleet.awaits_reading(key);
  if (!out) return std::nullopt;
  std::string const why = key.stored.gone                  ? "its provider no longer lists it"
                          : root.managed_elsewhere         ? "it belongs to a certificate"
                          : root.state != KeyState::active ? fmt::format("it is {}", to_text(root.state))
                          : !key.read_error.empty()        ? key.read_error
                                                    : std::string("it has not been read at its provider");
  return error_of(ErrorClass::permanent, fmt::format("{}: {}", root.ref.text(), why), "");
}

/// Another replacement in which the key is what others move to.
std::optional<Error> others_move_to(Fleet const& fleet, KeyRef const& key) {
  TrackedKey const* const other = fleet.about_to_be_replaced_by(key);
  if (other == nullptr) return std::nullopt;
  return error_of(ErrorClass::conflict,
                  fmt::format("{} is about to take the place of {} (rotation {})", key.text(),
                              other->stored.key.ref.text(), other->rotation->id.str()),
                  "wait until that has ended, or `rekeyctl abandon` it");
}

bool lacks_material(TrackedKey const& key) {
  auto const* applied = std::get_if<AppliedPolicy>(&key.match);
  bool const named = applied != nullptr && !applied->material.empty();
  return key.stored.key.origin == Origin::imported && !named;
}

std::optional<Error> why_not_by(World& world, Fleet const& fleet, TrackedKey const& key,
                                TrackedKey const& successor) {
  KeyRef const& ref = key.stored.key.ref;
  if (&key == &successor) {
    return error_of(ErrorClass::permanent, ref.text() + " cannot take its own place", "name another key");
  }
  for (TrackedKey const* each : {&key, &successor}) {
    if (auto busy = not_free(world, *each)) return busy;
    if (auto out = out_of_reach(fleet, *each)) return out;
    if (each->running) {
      return error_of(ErrorClass::conflict, each->stored.key.ref.text() + " is in hand at this moment",
                      "ask again in a minute");
    }
  }
  return others_move_to(fleet, ref);
}

std::optional<Error> why_not_made(World& world, Fleet const& fleet, TrackedKey const& key,
                                  WantedKey const& wanted) {
  if (auto busy = not_free(world, key)) return busy;
  if (auto out = out_of_reach(fleet, key)) return out;
  if (auto others = others_move_to(fleet, key.stored.key.ref)) return others;
  ProviderInstance const* const instance = world.provider(wanted.provider);
  if (instance == nullptr) {
    return error_of(ErrorClass::permanent,
                    fmt::format("no provider entry '{}' is configured", wanted.provider.str()),
                    "name one of rekeyd.yaml");
  }
  auto const vaults = instance->kms->vaults();
  if (std::ranges::find(vaults, wanted.vault) == vaults.end()) {
    return error_of(ErrorClass::permanent,
                    fmt::format("provider entry '{}' has no vault or instance '{}'", wanted.provider.str(),
                                wanted.vault.str()),
                    "name one that rekeyd.yaml lists");
  }
  return std::nullopt;
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
  if (auto busy = not_free(world, key)) return busy;
  if (key.stored.replaced) {
    return error_of(
        ErrorClass::permanent,
        fmt::format("{} is not rotated: key {} has taken its place", name, key.stored.replaced->by.text()),
        "name that key");
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

Result<Successor> find_successor(World& world, Fleet& fleet, TrackedKey& key, ReplaceRequest const& request) {
  if (!request.create.empty()) {
    auto const wanted = WantedKey::parse(request.create);
    if (!wanted) {
      return std::unexpected(error_of(ErrorClass::permanent,
                                      fmt::format("'{}' names no key to be made", request.create),
                                      "write PROVIDER/VAULT/NAME"));
    }
    if (auto why = why_not_made(world, fleet, key, *wanted)) return std::unexpected(*std::move(why));
    return *wanted;
  }
  Result<TrackedKey*> const by = find_key_by_words(fleet, request.by);
  if (!by) return std::unexpected(by.error());
  if (auto why = why_not_by(world, fleet, key, **by)) return std::unexpected(*std::move(why));
  return *by;
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
