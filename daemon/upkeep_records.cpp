#include "daemon/upkeep_records.hpp"

#include "daemon/journal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rekeyd::daemon {

namespace {

template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};

EventKind kind_of(UpkeepTask const& task) {
  return std::visit(Overloaded{[](SetProviderRotation const&) { return EventKind::provider_rotation_set; },
                               [](SetVersionExpiry const&) { return EventKind::version_expiry_set; },
                               [](TagRotation const&) { return EventKind::key_tagged; },
                               [](RetireVersion const&) { return EventKind::version_retired; }},
                    task);
}

std::optional<VersionId> version_of(UpkeepTask const& task) {
  return std::visit(Overloaded{[](SetProviderRotation const&) { return std::optional<VersionId>(); },
                               [](auto const& about) { return std::optional(about.version); }},
                    task);
}

HistoryEvent event_about(TrackedKey const& key, UpkeepTask const& task, std::string_view what, Instant at) {
  HistoryEvent event;
  event.at = at;
  event.kind = kind_of(task);
  event.key = key.stored.key.ref;
  event.version = version_of(task);
  if (auto const* applied = std::get_if<AppliedPolicy>(&key.match)) event.policy = applied->policy->name;
  event.actor = "rekeyd";
  event.sentence = fmt::format("{}: {}", to_text(task), what);
  return event;
}

KeyVersion* find_version(storage::StoredKey& key, VersionId const& id) {
  auto const found = std::ranges::find(key.versions, id, &KeyVersion::id);
  return found == key.versions.end() ? nullptr : &*found;
}

void expire(storage::StoredKey& key, VersionId const& id, Instant at) {
  if (KeyVersion* const version = find_version(key, id)) version->expires = at;
  if (key.key.current == id) key.key.expires = at;
}

void retire(storage::StoredKey& key, RetireVersion const& task, Instant now) {
  if (task.by == RetireBy::expiry) return expire(key, task.version, now);
  if (KeyVersion* const version = find_version(key, task.version)) version->enabled = false;
}

/// In the provider's own words, so that its next reading is no change.
void set_provider_rotation(storage::StoredKey& key, SetProviderRotation const& task,
                           providers::Evidence const& evidence, Instant now) {
  ProviderRotation& rotation = key.key.provider_rotation.emplace();
  rotation.enabled = true;
  auto const words = evidence.notes.find("provider_rotation");
  if (words != evidence.notes.end()) rotation.interval = words->second;
  if (task.month) {
    rotation.days = static_cast<int>(task.every.count() * task.month->count());
  } else {
    rotation.months = task.every.count();
  }
  rotation.since = now;
}

}  // namespace

std::map<std::string, std::string> rotation_tags(TagRotation const& task,
                                                 storage::StoredVersion const& version) {
  std::string by = to_text(version.made_by);
  if (version.made_by == MadeBy::rekeyd && version.rotation) by += ":" + version.rotation->str();
  return {{rotated_at_tag, to_rfc3339(task.rotated)}, {rotated_by_tag, std::move(by)}};
}

HistoryEvent upkeep_intended(TrackedKey const& key, UpkeepTask const& task, Instant at) {
  HistoryEvent event = event_about(key, task, "will be set at the provider", at);
  event.outcome = EventOutcome::held;
  return event;
}

HistoryEvent upkeep_done(TrackedKey const& key, UpkeepTask const& task, providers::Evidence const& evidence,
                         Instant at) {
  HistoryEvent event = event_about(key, task, "set at the provider", at);
  add_evidence(event, evidence);
  return event;
}

HistoryEvent upkeep_failed(TrackedKey const& key, UpkeepTask const& task, Error const& error, Instant at) {
  HistoryEvent event = event_about(key, task, error.what, at);
  event.outcome = EventOutcome::failed;
  event.error_code = error.code;
  event.request_id = error.request_id;
  if (!error.remedy.empty()) event.details["remedy"] = error.remedy;
  return event;
}

storage::StoredKey with_effect(storage::StoredKey key, UpkeepTask const& task,
                               std::map<std::string, std::string> const& tags,
                               providers::Evidence const& evidence, Instant now) {
  std::visit(
      Overloaded{[&](SetProviderRotation const& set) { set_provider_rotation(key, set, evidence, now); },
                 [&](SetVersionExpiry const& set) { expire(key, set.version, set.expires); },
                 [&](TagRotation const&) {
                   for (auto const& [name, value] : tags) key.key.tags[name] = value;
                 },
                 [&](RetireVersion const& set) { retire(key, set, now); }},
      task);
  return key;
}

}  // namespace rekeyd::daemon
