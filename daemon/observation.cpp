#include "daemon/observation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <ranges>
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

/// A key's facts that people care about, as words: comparing the words finds the change and tells it.
std::map<std::string, std::string> telling_facts(RootKey const& key) {
  std::map<std::string, std::string> facts;
  facts["state"] = to_text(key.state);
  facts["name"] = key.name;
  facts["tags"] = fmt::format("{}", fmt::join(key.tags | std::views::transform([](auto const& tag) {
                                                return tag.first + "=" + tag.second;
                                              }),
                                              ","));
  facts["expires"] = key.expires ? to_rfc3339(*key.expires) : "";
  facts["provider_rotation"] =
      key.provider_rotation && key.provider_rotation->enabled ? key.provider_rotation->interval : "";
  facts["exportable"] = key.exportable ? "yes" : "no";
  return facts;
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
  bool const lost = before.state == KeyState::active && after.state != KeyState::active;
  if (lost) {
    event.kind = EventKind::drift;
    event.sentence = fmt::format("someone made the key {}", to_text(after.state));
  }
  change.events.push_back(std::move(event));
}

void tell_versions(TrackedKey const* known, providers::KeyDescription const& description, Instant now,
                   storage::Change& change) {
  bool const rotates_itself = description.key.provider_rotation && description.key.provider_rotation->enabled;
  for (KeyVersion const& version : description.versions) {
    KeyVersion const* before = nullptr;
    if (known != nullptr) {
      auto const found = std::ranges::find(known->stored.versions, version.id, &KeyVersion::id);
      if (found != known->stored.versions.end()) before = &*found;
    }
    if (before != nullptr && *before == version) continue;
    bool const seen = before != nullptr;
    MadeBy maker = MadeBy::unknown;
    if (known != nullptr && !seen) maker = rotates_itself ? MadeBy::provider : MadeBy::other;
    change.versions.push_back({description.key.ref, version, maker, std::nullopt});
    if (seen) continue;
    HistoryEvent event =
        event_about(description.key, EventKind::version_found, "key version seen for the first time", now);
    event.version = version.id;
    event.details["made_by"] = to_text(maker);
    event.details["created"] = to_rfc3339(version.created);
    change.events.push_back(std::move(event));
  }
}

/// Someone else's rotation: there was a current version, and another one, not older, has taken its place.
std::optional<VersionId> drift_of(TrackedKey const* known, RootKey const& now_key, Instant now,
                                  storage::Change& change) {
  if (known == nullptr || !known->stored.key.current || !now_key.current) return std::nullopt;
  if (known->stored.key.current == now_key.current) return std::nullopt;
  HistoryEvent event = event_about(now_key, EventKind::drift,
                                   "someone else made a new current version; the cadence starts anew", now);
  event.version = now_key.current;
  event.details["version_before"] = known->stored.key.current->str();
  change.events.push_back(std::move(event));
  return known->stored.key.current;
}

void tell_registrations(RootKey const& key, std::vector<Registration> const& before,
                        std::vector<Registration> const& after, Instant now, storage::Change& change) {
  auto const tell = [&](EventKind kind, Registration const& registration, std::string sentence) {
    HistoryEvent event = event_about(key, kind, std::move(sentence), now);
    event.version = registration.version;
    event.details["resource"] = registration.resource.str();
    event.details["resource_kind"] = registration.kind;
    change.events.push_back(std::move(event));
  };
  for (Registration const& registration : after) {
    auto const old = std::ranges::find(before, registration.resource, &Registration::resource);
    if (old != before.end() && *old == registration) continue;
    change.registrations.push_back(registration);
    if (old == before.end()) {
      tell(EventKind::registration_found, registration, "resource uses the key");
    } else if (old->version != registration.version) {
      tell(EventKind::registration_moved, registration, "resource uses another version of the key now");
    }
  }
  for (Registration const& registration : before) {
    if (std::ranges::find(after, registration.resource, &Registration::resource) != after.end()) continue;
    change.registrations_gone.push_back(registration);
    tell(EventKind::registration_gone, registration, "resource no longer uses the key");
  }
}

}  // namespace

Observation observe(TrackedKey const* known, providers::KeyDescription description,
                    std::vector<Registration> const& known_registrations,
                    std::optional<std::vector<Registration>> const& registrations, Instant now) {
  Observation seen;
  // A key whose every reading has failed is held for people to see, and nothing of it is on record.
  if (known != nullptr && known->stored.last_seen == Instant{}) known = nullptr;
  if (known == nullptr) {
    seen.change.events.push_back(
        event_about(description.key, EventKind::key_found, "root key seen for the first time", now));
  } else {
    tell_key_changes(known->stored.key, description.key, now, seen.change);
  }
  tell_versions(known, description, now, seen.change);
  seen.drift_from = drift_of(known, description.key, now, seen.change);
  if (registrations)
    tell_registrations(description.key, known_registrations, *registrations, now, seen.change);
  seen.stored.first_seen = known != nullptr ? known->stored.first_seen : now;
  seen.stored.last_seen = now;
  seen.stored.key = std::move(description.key);
  seen.stored.versions = std::move(description.versions);
  seen.change.keys.push_back(seen.stored);
  return seen;
}

}  // namespace rekeyd::daemon
