#include "daemon/observation.hpp"

#include "daemon/observed_registrations.hpp"
#include "policy/upkeep.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

namespace rekeyd::daemon {

namespace {

HistoryEvent event_about(RootKey const& key, EventKind kind, std::string sentence, Instant at) {
  HistoryEvent event;
  event.at = at;
  event.kind = kind;
  event.key = key.ref;
  event.actor = "provider";
  event.sentence = std::move(sentence);
  return event;
}

/// Those that we set ourselves aside: the history tells of them when they are set.
std::string tags_words(std::map<std::string, std::string> const& tags) {
  std::vector<std::string> words;
  for (auto const& [name, value] : tags) {
    if (!tells_of_rotation(name)) words.push_back(name + "=" + value);
  }
  return fmt::format("{}", fmt::join(words, ","));
}

/// A key's facts that people care about, as words: comparing the words finds the change and tells it.
std::map<std::string, std::string> telling_facts(RootKey const& key) {
  std::map<std::string, std::string> facts;
  facts["state"] = to_text(key.state);
  facts["name"] = key.name;
  facts["tags"] = tags_words(key.tags);
  facts["expires"] = key.expires ? to_rfc3339(*key.expires) : "";
  facts["provider_rotation"] =
      key.provider_rotation && key.provider_rotation->enabled ? key.provider_rotation->interval : "";
  facts["exportable"] = key.exportable ? "yes" : "no";
  return facts;
}

/// A change of state that a date of the key's own brought about. Any other is a person's: rekeyd neither
/// disables nor restores keys.
bool by_calendar(RootKey const& before, RootKey const& after, Instant now) {
  if (before.state == KeyState::pre_activation) return after.state == KeyState::active;
  return after.state == KeyState::deactivated && after.expires && *after.expires <= now;
}

void tell_key_changes(RootKey const& before, RootKey const& after, Instant now, storage::Change& change) {
  auto const old_facts = telling_facts(before);
  auto const new_facts = telling_facts(after);
  if (old_facts == new_facts) return;
  HistoryEvent event =
      event_about(after, EventKind::key_changed, "the key's attributes changed at its provider", now);
  for (auto const& [name, value] : new_facts) {
    std::string const& old_value = old_facts.at(name);
    if (old_value != value) event.details[name] = fmt::format("{} -> {}", old_value, value);
  }
  if (before.state != after.state && !by_calendar(before, after, now)) {
    event.kind = EventKind::drift;
    event.sentence =
        fmt::format("someone made the key {}; it was {}", to_text(after.state), to_text(before.state));
  }
  change.events.push_back(std::move(event));
}

/// What is stored of a key: all that we ever saw of it, or what a restored backup has of that.
enum class Memory { whole, restored };

/// Who made a version that our memory of its key does not hold.
MadeBy maker_of(KeyVersion const& version, bool rotates_itself, Memory memory) {
  if (memory == Memory::restored) return version.operation ? MadeBy::rekeyd : MadeBy::unknown;
  return rotates_itself ? MadeBy::provider : MadeBy::other;
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

/// Every version goes on record once, with its maker as far as one can tell.
void tell_versions(Known const& known, providers::KeyDescription const& description, Instant now,
                   storage::Change& change) {
  bool const rotates_itself = description.key.provider_rotation && description.key.provider_rotation->enabled;
  for (KeyVersion const& version : description.versions) {
    if (known.maker && known.maker->version == version.id) {
      change.versions.push_back({description.key.ref, version, known.maker->made_by, known.maker->rotation});
      continue;
    }
    bool const seen = knows(known.key, version.id);
    if (seen && std::ranges::find(known.key->stored.versions, version) != known.key->stored.versions.end())
      continue;
    MadeBy by = MadeBy::unknown;
    if (known.key != nullptr && !seen) by = maker_of(version, rotates_itself, known.memory);
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

/// Someone else's rotation: there was a current version, and one that we did not know has taken its place.
std::optional<VersionId> drift_of(Known const& known, RootKey const& now_key, Instant now,
                                  storage::Change& change) {
  if (known.key == nullptr || !known.key->stored.key.current || !now_key.current) return std::nullopt;
  VersionId const before = *known.key->stored.key.current;
  if (knows(known.key, *now_key.current)) return std::nullopt;
  auto const& maker = known.maker;
  bool const ours = maker && maker->version == *now_key.current && maker->made_by == MadeBy::rekeyd;
  if (ours) return std::nullopt;
  char const* const sentence =
      known.memory == Memory::restored
          ? "a version that the restored history does not know is the current one; the cadence starts anew"
          : "someone else made a new current version; the cadence starts anew";
  HistoryEvent event = event_about(now_key, EventKind::drift, sentence, now);
  event.version = now_key.current;
  event.details["version_before"] = before.str();
  change.events.push_back(std::move(event));
  return before;
}

Observation compare(Known const& known, providers::KeyDescription description,
                    std::vector<Registration> const& known_registrations,
                    std::optional<std::vector<Registration>> const& registrations, Instant now) {
  Observation seen;
  keep_newer_current(known.key, description);
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
  seen.drift_from = drift_of(known, description.key, now, seen.change);
  if (registrations) tell_registrations(known_registrations, *registrations, now, seen.change);
  seen.stored.first_seen = known.key != nullptr ? known.key->stored.first_seen : now;
  seen.stored.last_seen = now;
  seen.stored.admitted = known.key != nullptr && known.key->stored.admitted;
  seen.stored.key = std::move(description.key);
  seen.stored.versions = with_known(known.key, std::move(description.versions));
  seen.change.keys.push_back(seen.stored);
  return seen;
}

/// Who made the version of that id, as the provider's own record of it tells.
MadeBy maker_after_restore(std::vector<KeyVersion> const& versions, std::optional<VersionId> const& id) {
  auto const found = std::ranges::find_if(versions, [&](KeyVersion const& each) { return each.id == id; });
  return found == versions.end() ? MadeBy::unknown : maker_of(*found, false, Memory::restored);
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
  if (auto const* adopted = std::get_if<AdoptVersion>(&decision)) {
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

Observation observe_versions(TrackedKey const& known, providers::KeyDescription const& description,
                             Instant now, std::optional<KnownMaker> const& maker) {
  Observation seen;
  Known const with{.key = &known, .maker = maker};
  tell_versions(with, description, now, seen.change);
  seen.drift_from = drift_of(with, description.key, now, seen.change);
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
