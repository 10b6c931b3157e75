#pragma once
#include "daemon/fleet.hpp"
#include "providers/kms_provider.hpp"
#include "storage/store.hpp"

#include <optional>
#include <vector>

namespace rekeyd::daemon {

/// What a reading of one key has shown, against what we knew. Pure.
struct Observation {
  storage::StoredKey stored;  ///< The key as it is to be known from here on.
  storage::Change change;     ///< Rows and events that record the difference.
  std::optional<VersionId>
      drift_from;  ///< Set when someone else, the provider too, made the current version: the one before.
  MadeBy drift_made_by{MadeBy::other};  ///< Who, as far as the reading tells.
  std::optional<Rotation> rotation;     ///< Set when the unfinished rotation goes on from elsewhere.
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

/// Says of what is seen of a new key for the first time that `replacement` has had it made: the version that
/// carries its operation id.
void tell_as_made_for(Rotation const& replacement, storage::Change& change);

/// The part that goes on record while a rotation rests before its new version was found fit: new versions.
/// The key's own facts stay as they were at the claim, since the new version will be compared with them.
Observation observe_versions(TrackedKey const& known, providers::KeyDescription const& description,
                             Instant now, std::optional<KnownMaker> const& maker = std::nullopt);

/// The same for a key's first reading after its database was restored from a backup: the world is newer than
/// what is stored. A version that is not stored is ours if it carries an operation id, else nobody knows
/// whose it is; either way it is told as drift, for its dependants to follow. An unfinished rotation
/// - that has not made its version yet: goes on at the rotate step if a version appeared, which is adopted
///   there by the rule that never doubles, with what was stored as the versions before;
/// - that was moving dependants: moves them to the version that is current now, never back to an older one.
Observation reconcile(TrackedKey const& known, providers::KeyDescription description,
                      std::vector<Registration> const& known_registrations,
                      std::optional<std::vector<Registration>> const& registrations, Instant now);

}  // namespace rekeyd::daemon
