#pragma once
#include "storage/store.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace rekeyd::rehearsal {

struct KnownKey {
  storage::StoredKey stored;
  std::vector<storage::StoredVersion> versions;  ///< Oldest first.
  std::vector<Registration> registrations;
};

/// What the state database knows, as far as a rehearsal begins with it.
struct KnownState {
  std::vector<KnownKey> keys;  ///< By reference.
  std::vector<Rotation> unfinished;
  std::vector<storage::StepRecord> steps;  ///< Of the unfinished rotations.
  std::vector<Hold> holds;
  std::optional<HistoryEvent> policies_loaded;  ///< The last one: what was in force when the daemon ended.
  std::set<KeyRef> with_neutral_policy;         ///< rekeyd has put a rotation policy on these.
  std::optional<Instant> newest;                ///< The moment of its newest event.
};

/// Reads it. Error: of class storage, as StoreReader gives it.
Result<KnownState> read_state(storage::StoreReader& reader);

/// How many WDEKs the re-wrap journal has seen of each key: what is left to go by where their folders cannot
/// be read.
Result<std::map<KeyRef, std::size_t>> deks_in_journal(storage::StoreReader& reader, KnownState const& state);

/// The same as the first transaction of a new database: keys, versions, registrations, unfinished rotations
/// with their steps, holds, and what policies were in force. What has ended stays behind.
storage::Change as_change(KnownState const& state);

}  // namespace rekeyd::rehearsal
