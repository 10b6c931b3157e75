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

/// A version whose maker a rotation knows. The rotation itself tells of it, with its evidence.
struct KnownMaker {
  VersionId version;
  MadeBy made_by;
  RotationId rotation;
};

/// `known` is null for a key never seen. `registrations`: nothing when they could not be read, which changes
/// nothing.
Observation observe(TrackedKey const* known, providers::KeyDescription description,
                    std::vector<Registration> const& known_registrations,
                    std::optional<std::vector<Registration>> const& registrations, Instant now,
                    std::optional<KnownMaker> const& maker = std::nullopt);

/// The part that goes on record while a rotation rests before its new version was found fit: new versions.
/// The key's own facts stay as they were at the claim, since the new version will be compared with them.
Observation observe_versions(TrackedKey const& known, providers::KeyDescription const& description,
                             Instant now, std::optional<KnownMaker> const& maker = std::nullopt);

}  // namespace rekeyd::daemon
