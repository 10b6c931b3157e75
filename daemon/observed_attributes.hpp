#pragma once
#include "policy/history_event.hpp"
#include "policy/key.hpp"
#include "storage/store.hpp"

#include <string>

namespace rekeyd::daemon {

/// Something that the provider has shown of a key.
HistoryEvent event_about(RootKey const& key, EventKind kind, std::string sentence, Instant at);

/// What differs between two readings of a key's own facts, as one event; a state that a person must have
/// changed is drift.
void tell_key_changes(RootKey const& before, RootKey const& after, Instant now, storage::Change& change);

}  // namespace rekeyd::daemon
