#pragma once
#include "daemon/fleet.hpp"
#include "providers/kms_provider.hpp"
#include "storage/store.hpp"

#include <optional>
#include <vector>

namespace rekeyd::daemon {

/// What a reading of one key has shown, against what we knew. Pure.
struct Observation {
  storage::StoredKey stored;            ///< The key as it is to be known from here on.
  storage::Change change;               ///< Rows and events that record the difference.
  std::optional<VersionId> drift_from;  ///< Set when someone else made the current version: the one before.
};

/// `known` is null for a key never seen. `registrations`: nothing when they could not be read, which changes
/// nothing.
Observation observe(TrackedKey const* known, providers::KeyDescription description,
                    std::vector<Registration> const& known_registrations,
                    std::optional<std::vector<Registration>> const& registrations, Instant now);

}  // namespace rekeyd::daemon
