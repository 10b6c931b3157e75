#include "tests/rehearsal/known_state.hpp"

#include <utility>

namespace rekeyd::rehearsal {

namespace {

Result<void> read_keys(storage::StoreReader& reader, KnownState& state) {
  auto stored = reader.keys();
  if (!stored) return std::unexpected(stored.error());
  for (storage::StoredKey& key : *stored) {
    auto versions = reader.versions(key.key.ref);
    if (!versions) return std::unexpected(versions.error());
    auto registrations = reader.registrations(key.key.ref);
    if (!registrations) return std::unexpected(registrations.error());
    state.keys.push_back({std::move(key), *std::move(versions), *std::move(registrations)});
  }
  return {};
}

Result<void> read_unfinished(storage::StoreReader& reader, KnownState& state) {
  auto unfinished = reader.unfinished_rotations();
  if (!unfinished) return std::unexpected(unfinished.error());
  state.unfinished = *std::move(unfinished);
  for (Rotation const& rotation : state.unfinished) {
    auto steps = reader.steps(rotation.id);
    if (!steps) return std::unexpected(steps.error());
    state.steps.insert(state.steps.end(), steps->begin(), steps->end());
  }
  auto holds = reader.holds();
  if (!holds) return std::unexpected(holds.error());
  state.holds = *std::move(holds);
  return {};
}

Result<std::optional<HistoryEvent>> newest_event(storage::StoreReader& reader,
                                                 std::optional<EventKind> kind) {
  storage::HistoryQuery query;
  query.kind = kind;
  query.newest_first = true;
  query.limit = 1;
  auto const events = reader.history(query);
  if (!events) return std::unexpected(events.error());
  if (events->empty()) return std::nullopt;
  return events->front().event;
}

Result<void> read_history(storage::StoreReader& reader, KnownState& state) {
  auto loaded = newest_event(reader, EventKind::policies_loaded);
  if (!loaded) return std::unexpected(loaded.error());
  state.policies_loaded = *std::move(loaded);
  auto const newest = newest_event(reader, std::nullopt);
  if (!newest) return std::unexpected(newest.error());
  if (*newest) state.newest = (*newest)->at;

  storage::HistoryQuery query;
  query.kind = EventKind::rotation_policy_set;
  for (;;) {
    auto const events = reader.history(query);
    if (!events) return std::unexpected(events.error());
    for (storage::RecordedEvent const& event : *events) {
      if (event.event.key) state.with_neutral_policy.insert(*event.event.key);
    }
    if (events->size() < query.limit) return {};
    query.after_sequence = events->back().sequence;
  }
}

}  // namespace

Result<KnownState> read_state(storage::StoreReader& reader) {
  KnownState state;
  if (auto read = read_keys(reader, state); !read) return std::unexpected(read.error());
  if (auto read = read_unfinished(reader, state); !read) return std::unexpected(read.error());
  if (auto read = read_history(reader, state); !read) return std::unexpected(read.error());
  return state;
}

Result<std::map<KeyRef, std::size_t>> deks_in_journal(storage::StoreReader& reader, KnownState const& state) {
  std::map<KeyRef, std::size_t> counts;
  for (KnownKey const& key : state.keys) {
    KeyRef const& ref = key.stored.key.ref;
    auto const before = reader.previous_deks(ref);
    if (!before) return std::unexpected(before.error());
    std::set<std::pair<DekStoreName, DekId>> deks;
    for (storage::PreviousDek const& dek : *before) deks.emplace(dek.store, dek.before.id);
    if (!deks.empty()) counts[ref] = deks.size();
  }
  return counts;
}

storage::Change as_change(KnownState const& state) {
  std::set<RotationId> there;
  storage::Change change;
  for (Rotation const& rotation : state.unfinished) there.insert(rotation.id);
  for (KnownKey const& key : state.keys) {
    change.keys.push_back(key.stored);
    for (storage::StoredVersion version : key.versions) {
      if (version.rotation && !there.contains(*version.rotation)) version.rotation.reset();
      change.versions.push_back(std::move(version));
    }
    change.registrations.insert(change.registrations.end(), key.registrations.begin(),
                                key.registrations.end());
  }
  change.rotations = state.unfinished;
  change.steps = state.steps;
  change.holds = state.holds;
  if (state.policies_loaded) change.events.push_back(*state.policies_loaded);
  return change;
}

}  // namespace rekeyd::rehearsal
