#pragma once
#include "daemon/fleet.hpp"
#include "policy/upkeep.hpp"
#include "providers/kms_provider.hpp"
#include "storage/store.hpp"

#include <map>
#include <string>

namespace rekeyd::daemon {

/// The tags that tell of the rotation that made a version.
std::map<std::string, std::string> rotation_tags(TagRotation const& task,
                                                 storage::StoredVersion const& version);

/// What the history says of a task: before it is sent (held), after it is done (ok), or that it failed.
HistoryEvent upkeep_intended(TrackedKey const& key, UpkeepTask const& task, Instant at);
HistoryEvent upkeep_done(TrackedKey const& key, UpkeepTask const& task, providers::Evidence const& evidence,
                         Instant at);
HistoryEvent upkeep_failed(TrackedKey const& key, UpkeepTask const& task, Error const& error, Instant at);

/// The key as its provider keeps it once the task is done, which `evidence` proves; `tags` are those that
/// were set.
storage::StoredKey with_effect(storage::StoredKey key, UpkeepTask const& task,
                               std::map<std::string, std::string> const& tags,
                               providers::Evidence const& evidence, Instant now);

}  // namespace rekeyd::daemon
