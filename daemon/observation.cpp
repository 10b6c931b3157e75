#include "daemon/observation.hpp"

#include "daemon/observed_attributes.hpp"
#include "daemon/observed_registrations.hpp"
#include "policy/provider_rotation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rekeyd::daemon {

namespace {

/// What is stored of a key: all that we ever saw of it, or what a restored backup has of that.
enum class Memory { whole, restored };

/// Who made a version that our restored memory of its key does not hold.
MadeBy maker_after_restore(KeyVersion const& version) {
  return version.operation ? MadeBy::rekeyd : MadeBy::unknown;
}

/// What a reading is compared with: what is stored of its key, and what a rotation knows of one version.
struct Known {
  TrackedKey const* key{};  ///< Null for a key never seen.
  Memory memory{Memory::whole};
  std::optional<KnownMaker> maker{};
};

/// A key whose every reading has failed is held for people to see, and nothing of it is on record.
TrackedKey const* on_record(TrackedKey const* known) {
  bool const never_read = known != nullptr && known->stored.last_seen == Instant{};
  return never_read ? nullptr : known;
}

bool knows(TrackedKey const* known, VersionId const& version) {
  if (known == nullptr) return false;
  auto const& versions = known->stored.versions;
  return std::ranges::find(versions, version, &KeyVersion::id) != versions.end();
}

/// Versions do not go away. What a reading leaves out (a deleted key shows none, a provider that lags not the
/// newest) stays known.
std::vector<KeyVersion> with_known(TrackedKey const* known, std::vector<KeyVersion> shown) {
  if (known == nullptr) return shown;
  for (KeyVersion const& version : known->stored.versions) {
    if (std::ranges::find(shown, version.id, &KeyVersion::id) != shown.end()) continue;
    auto const place = std::ranges::upper_bound(shown, version.created, {}, &KeyVersion::created);
    shown.insert(place, version);
  }
  return shown;
}

/// A reading that leaves out the version we know as the current one is older than what we know.
void keep_newer_current(TrackedKey const* known, providers::KeyDescription& description) {
  if (known == nullptr || !known->stored.key.current) return;
  auto const& shown = description.versions;
  RootKey const& before = known->stored.key;
  if (std::ranges::find(shown, *before.current, &KeyVersion::id) != shown.end()) return;
  auto const of = std::ranges::find(known->stored.versions, *before.current, &KeyVersion::id);
  bool const newer =
      !shown.empty() && of != known->stored.versions.end() && shown.back().created > of->created;
  if (newer) return;
  description.key.current = before.current;
  description.key.current_created = before.current_created;
}

/// The provider names nobody: a version without an operation id of ours is its own if it was made when its
/// rule for the key, as it is or as it was last seen, was to make one. Whoever made one in that very hour
/// goes unnoticed.
bool by_rule(Known const& known, providers::KeyDescription const& description, KeyVersion const& version) {
  auto const& versions = description.versions;
  auto const place = std::ranges::find(versions, version.id, &KeyVersion::id);
  if (version.operation || place == versions.begin() || place == versions.end()) return false;
  auto const makes_it = [&](std::optional<ProviderRotation> const& rule) {
    return rule && made_by_rule(*rule, std::prev(place)->created, version.created);
  };
  return makes_it(description.key.provider_rotation) || makes_it(known.key->stored.key.provider_rotation);
}

/// Who made a version, as far as one can tell.
MadeBy maker_of(Known const& known, providers::KeyDescription const& description, KeyVersion const& version) {
  if (known.key == nullptr || knows(known.key, version.id)) return MadeBy::unknown;
  if (known.memory == Memory::restored) return maker_after_restore(version);
  return by_rule(known, description, version) ? MadeBy::provider : MadeBy::other;
}

/// Every version goes on record once, with its maker.
void tell_versions(Known const& known, providers::KeyDescription const& description, Instant now,
                   storage::Change& change) {
  for (KeyVersion const& version : description.versions) {
    if (known.maker && known.maker->version == version.id) {
      change.versions.push_back({description.key.ref, version, known.maker->made_by, known.maker->rotation});
      continue;
    }
    bool const seen = knows(known.key, version.id);
    if (seen && std::ranges::find(known.key->stored.versions, version) != known.key->stored.versions.end())
      continue;
    MadeBy const by = maker_of(known, description, version);
    change.versions.push_back({description.key.ref, version, by, std::nullopt});
    if (seen) continue;
    HistoryEvent event =
        event_about(description.key, EventKind::version_found, "key version seen for the first time", now);
    event.version = version.id;
    event.details["made_by"] = to_text(by);
    event.details["created"] = to_rfc3339(version.created);
    if (version.operation) event.details["operation"] = version.operation->str();
    if (known.memory == Memory::restored) event.details["after_restore"] = "yes";
    change.events.push_back(std::move(event));
  }
}

/// A policy leaves the rotation of the key to its provider.
bool is_delegated(TrackedKey const& key) {
  auto const* applied = std::get_if<AppliedPolicy>(&key.match);
  return applied != nullptr && applied->mode == Mode::delegate;
}

char const* drift_words(Memory memory, MadeBy maker) {
  if (memory == Memory::restored) {
    return "a version that the restored history does not know is the current one; the cadence starts anew";
  }
  return maker == MadeBy::provider ? "the provider made a new current version by a rotation policy of its "
                                     "own; the cadence starts anew"
                                   : "someone else made a new current version; the cadence starts anew";
}

/// Someone else's rotation: there was a current version, and one that we did not know has taken its place. A
/// provider that does what its key's policy wants of it makes no drift; its dependants have to follow as
/// well.
void tell_drift(Known const& known, providers::KeyDescription const& description, Instant now,
                Observation& seen) {
  RootKey const& now_key = description.key;
  if (known.key == nullptr || !known.key->stored.key.current || !now_key.current) return;
  if (knows(known.key, *now_key.current)) return;
  auto const& maker = known.maker;
  bool const ours = maker && maker->version == *now_key.current && maker->made_by == MadeBy::rekeyd;
  if (ours) return;
  seen.drift_from = *known.key->stored.key.current;
  auto const current = std::ranges::find(description.versions, *now_key.current, &KeyVersion::id);
  if (current != description.versions.end() && known.memory == Memory::whole) {
    seen.drift_made_by = maker_of(known, description, *current);
  }
  if (seen.drift_made_by == MadeBy::provider && is_delegated(*known.key)) return;
  HistoryEvent event =
      event_about(now_key, EventKind::drift, drift_words(known.memory, seen.drift_made_by), now);
  event.version = now_key.current;
  event.details["version_before"] = seen.drift_from->str();
  seen.change.events.push_back(std::move(event));
}

/// Since when the provider's rule for the key is what it is: as it says, else since we know.
void date_rule(TrackedKey const* known, RootKey& key, Instant now) {
  if (!rotates_itself(key) || key.provider_rotation->since) return;
  ProviderRotation& rule = *key.provider_rotation;
  rule.since = now;
  if (known == nullptr || !known->stored.key.provider_rotation) return;
  ProviderRotation const& before = *known->stored.key.provider_rotation;
  bool const the_same = before.enabled && before.interval == rule.interval;
  if (the_same && before.since) rule.since = before.since;
}

Observation compare(Known const& known, providers::KeyDescription description,
                    std::vector<Registration> const& known_registrations,
                    std::optional<std::vector<Registration>> const& registrations, Instant now) {
  Observation seen;
  keep_newer_current(known.key, description);
  date_rule(known.key, description.key, now);
  if (known.key == nullptr) {
    seen.change.events.push_back(
        event_about(description.key, EventKind::key_found, "root key seen for the first time", now));
  } else {
    if (known.key->stored.gone) {
      seen.change.events.push_back(event_about(description.key, EventKind::drift,
                                               "the provider lists the key again: someone restored it", now));
    }
    tell_key_changes(known.key->stored.key, description.key, now, seen.change);
  }
  tell_versions(known, description, now, seen.change);
  tell_drift(known, description, now, seen);
  if (registrations) tell_registrations(known_registrations, *registrations, now, seen.change);
  seen.stored.first_seen = known.key != nullptr ? known.key->stored.first_seen : now;
  seen.stored.last_seen = now;
  seen.stored.admitted = known.key != nullptr && known.key->stored.admitted;
  if (known.key != nullptr) seen.stored.replaced = known.key->stored.replaced;
  seen.stored.key = std::move(description.key);
  seen.stored.versions = with_known(known.key, std::move(description.versions));
  seen.change.keys.push_back(seen.stored);
  return seen;
}

/// Who made the version of that id, as the provider's own record of it tells.
MadeBy maker_after_restore(std::vector<KeyVersion> const& versions, std::optional<VersionId> const& id) {
  auto const found = std::ranges::find_if(versions, [&](KeyVersion const& each) { return each.id == id; });
  return found == versions.end() ? MadeBy::unknown : maker_after_restore(*found);
}

/// A rotation that had not made its version when the backup was taken. The key's facts stay as they were:
/// what the new version inherited is compared with them.
Observation go_on_before_rotate(TrackedKey const& known, providers::KeyDescription description, Instant now) {
  Rotation rotation = *known.rotation;
  if (rotation.step == Step::claim) {
    rotation.base_version = known.stored.key.current;
    rotation.known_versions.clear();
    for (KeyVersion const& version : known.stored.versions) rotation.known_versions.push_back(version.id);
  }
  Observation seen;
  RotateDecision const decision = decide_rotate(rotation, description.versions, std::chrono::seconds(0), now);
  auto const* const adopted = std::get_if<AdoptVersion>(&decision);
  // A replacement makes no version, whoever made this one.
  if (adopted != nullptr && !is_replacement(rotation)) {
    rotation.step = Step::rotate;
    rotation.next_try.reset();
    rotation.updated = now;
    seen.rotation = rotation;
    seen.change.rotations.push_back(std::move(rotation));
    // The rotate step tells that one itself.
    VersionId const told_later = adopted->version.id;
    std::erase_if(description.versions, [&](KeyVersion const& each) { return each.id == told_later; });
  }
  tell_versions({.key = &known, .memory = Memory::restored}, description, now, seen.change);
  seen.stored = known.stored;
  seen.stored.last_seen = now;
  seen.stored.gone = false;
  seen.change.keys.push_back(seen.stored);
  return seen;
}

}  // namespace

Observation observe(TrackedKey const* known, providers::KeyDescription description,
                    std::vector<Registration> const& known_registrations,
                    std::optional<std::vector<Registration>> const& registrations, Instant now,
                    std::optional<KnownMaker> const& maker) {
  return compare({.key = on_record(known), .maker = maker}, std::move(description), known_registrations,
                 registrations, now);
}

void tell_as_made_for(Rotation const& replacement, storage::Change& change) {
  std::optional<VersionId> first;
  for (storage::StoredVersion& version : change.versions) {
    if (version.version.operation != replacement.id) continue;
    version.made_by = MadeBy::rekeyd;
    version.rotation = replacement.id;
    first = version.version.id;
  }
  for (HistoryEvent& event : change.events) {
    bool const of_key = event.kind == EventKind::key_found;
    if (!of_key && (!first || event.version != first)) continue;
    event.rotation = replacement.id;
    if (of_key) event.sentence = "root key made to take the place of " + replacement.key.text();
    if (event.kind == EventKind::version_found) event.details["made_by"] = to_text(MadeBy::rekeyd);
  }
}

Observation observe_versions(TrackedKey const& known, providers::KeyDescription const& description,
                             Instant now, std::optional<KnownMaker> const& maker) {
  Observation seen;
  Known const with{.key = &known, .maker = maker};
  tell_versions(with, description, now, seen.change);
  tell_drift(with, description, now, seen);
  seen.stored = known.stored;
  seen.stored.last_seen = now;
  seen.stored.versions = with_known(&known, description.versions);
  seen.change.keys.push_back(seen.stored);
  return seen;
}

Observation reconcile(TrackedKey const& known, providers::KeyDescription description,
                      std::vector<Registration> const& known_registrations,
                      std::optional<std::vector<Registration>> const& registrations, Instant now) {
  bool const before_rotate = known.rotation && !known.rotation->new_version;
  if (before_rotate) return go_on_before_rotate(known, std::move(description), now);
  Observation seen = compare({.key = &known, .memory = Memory::restored}, std::move(description),
                             known_registrations, registrations, now);
  std::optional<VersionId> const& current = seen.stored.key.current;
  seen.drift_made_by = maker_after_restore(seen.stored.versions, current);
  if (!known.rotation) return seen;
  seen.drift_from.reset();  // The rotation that is there already takes the dependants along.
  // Where its dependants go is another key's version.
  if (is_replacement(*known.rotation)) return seen;
  if (!current || current == known.rotation->new_version) return seen;
  Rotation rotation = *known.rotation;
  rotation.new_version = current;
  rotation.new_version_made_by = seen.drift_made_by;
  rotation.step = Step::propagate;
  rotation.next_try.reset();
  rotation.updated = now;
  seen.rotation = rotation;
  seen.change.rotations.push_back(std::move(rotation));
  return seen;
}

}  // namespace rekeyd::daemon
