#pragma once
#include "tests/simulator/ibm/registration.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace rekeyd::sim {
class Randomness;
}

namespace rekeyd::sim::ibm {

/// The numbers are the wire's; 0 is never returned in practice and 4 is not used.
enum class KeyState { active = 1, suspended = 2, deactivated = 3, destroyed = 5 };

struct KeyVersion {
  std::string id;
  Instant created;
  std::string material;  ///< 16, 24 or 32 bytes.
  Instant seen_from;     ///< Reads show it from then on (a `lag` of the fault rules).
};

/// Who did something last, and when.
struct Stamp {
  std::string by;
  Instant at{};
};

struct KeyRotationPolicy {
  std::string id;
  bool enabled{true};
  std::optional<int> interval_month{};  ///< "Months" of 30 days.
  Stamp created{};
  Stamp updated{};
};

struct DualAuthDelete {
  std::string id;
  bool enabled{true};
  Stamp created{};
  Stamp updated{};
  std::optional<Stamp> set_for_deletion{};  ///< The first of the two users.
};

/// The rules' lengths of time.
inline constexpr std::chrono::hours rotation_pause{1};
inline constexpr std::chrono::hours sync_pause{1};
inline constexpr std::chrono::seconds enable_pause{30};
inline constexpr std::chrono::seconds restore_pause{30};
inline constexpr std::chrono::hours purge_pause{4};
inline constexpr std::chrono::hours restore_limit{30 * 24};
inline constexpr std::chrono::hours purge_limit{90 * 24};
inline constexpr std::chrono::hours deletion_window{7 * 24};
inline constexpr std::chrono::hours policy_month{30 * 24};

struct Key {
  std::string id;
  std::string name;
  std::string description{};
  std::vector<std::string> tags{};
  std::vector<std::string> aliases{};
  std::string ring{"default"};
  KeyState state{KeyState::active};
  bool extractable{false};  ///< True: a standard key, which has a payload and no versions.
  bool imported{false};
  Stamp created{};
  Instant seen_from{};
  Instant last_updated{};
  std::optional<Instant> expires{};
  std::optional<Instant> last_rotated{};   ///< Absent until the first rotate.
  std::optional<Instant> last_notified{};  ///< The last lifecycle action or sync that services heard of.
  std::optional<Instant> suspended_at{};
  std::optional<Stamp> deleted{};
  std::vector<KeyVersion> versions{};  ///< Oldest first; empty for a standard key only.
  std::string payload{};               ///< Of a standard key, decoded.
  std::optional<KeyRotationPolicy> rotation_policy{};
  std::optional<DualAuthDelete> dual_auth{};
  std::vector<Registration> registrations{};

  KeyVersion const& newest() const { return versions.back(); }
  KeyVersion const* version(std::string_view version_id) const;
  /// The versions that a read at `now` shows: always at least the first.
  std::size_t versions_seen(Instant now) const;
};

/// A new version is the current one from now on, and every registered service hears of it.
/// Precondition: a root key.
void add_version(Key& key, std::string material, Instant now, std::chrono::seconds lag, Randomness& random);

/// Lifecycle actions are told to the services; the next sync must wait for an hour from here.
void note_lifecycle(Key& key, Instant now);

/// Lets time pass: expiry, the service's own rotations by policy, rewraps that are done, a second user's
/// window that closed. The rotations happen at their own moments, not at `now`.
void settle(Key& key, Instant now);

/// What has happened to it happened so much earlier.
void grow_older(Key& key, std::chrono::seconds by);

/// After this moment the service removes the key by itself. Nothing for a key that is not deleted.
std::optional<Instant> purged_at(Key const& key);

/// The next rotation by policy, if the key has one that can act: some time within the 24 hours after the due
/// moment, the same for the same key and due moment.
std::optional<Instant> next_policy_rotation(Key const& key);

}  // namespace rekeyd::sim::ibm
