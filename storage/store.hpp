#pragma once
#include "policy/error.hpp"
#include "policy/history_event.hpp"
#include "policy/hold.hpp"
#include "policy/key.hpp"
#include "policy/registration.hpp"
#include "policy/rotation.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace rekeyd::storage {

/// A root key as we know it, with when we knew it.
struct StoredKey {
  RootKey key;
  std::vector<KeyVersion> versions;  ///< Oldest first.
  Instant first_seen{};
  Instant last_seen{};  ///< Read in full, registrations included.
  bool gone{};          ///< No longer listed by its provider.
  bool admitted{true};  ///< Since it was found, it has been judged whether too many are due at once.
  std::optional<Replaced> replaced{};
  bool operator==(StoredKey const&) const = default;
};

struct StoredVersion {
  KeyRef key;
  KeyVersion version;
  MadeBy made_by{MadeBy::unknown};
  std::optional<RotationId> rotation;  ///< The rotation that made or adopted it.
  bool operator==(StoredVersion const&) const = default;
};

/// One try at one step: intent first, outcome after.
struct StepRecord {
  RotationId rotation;
  Step step{};
  int attempt{1};  ///< Counts all tries of this step, from 1.
  Instant intended_at{};
  std::optional<Instant> ended_at;  ///< Absent: intent without outcome.
  std::string outcome;              ///< "", "done", "again", "wait", "blocked", "abandoned".
  std::string message;
  bool operator==(StepRecord const&) const = default;
};

/// A wrapped DEK as it was before a rewrap; kept until the version that wrapped it is retired.
struct PreviousDek {
  DekStoreName store;
  WrappedDek before;
  VersionId after_version;
  RotationId rotation;
  Instant replaced_at{};
  bool operator==(PreviousDek const&) const = default;
};

/// A change of key version that a rotation asks of a resource: before it goes out, and again with its end.
struct ResourceChange {
  RotationId rotation;
  ResourceId resource;
  int attempt{1};   ///< Counts what was asked of this resource in this rotation, from 1.
  bool prepares{};  ///< It only makes the version known to the resource; the change comes after it.
  VersionId to;
  Instant asked_at{};
  std::string operation;            ///< Where its provider tells how it goes; opaque, may be empty.
  std::optional<Instant> ended_at;  ///< Absent: asked, and nothing known of its end.
  std::string outcome;              ///< "", "done", "failed".
  std::string message;
  std::string request_id;
  bool operator==(ResourceChange const&) const = default;
};

/// A machine that a rotation brings to rest for the change of what its disks live on: on record before it is
/// stopped, ended when it is no longer ours to start.
struct MachineStop {
  RotationId rotation;
  ResourceId resource;  ///< What changes its key version.
  ResourceId machine;
  int attempt{1};  ///< Counts the stops of this machine in this rotation, from 1.
  bool ran{true};  ///< Before: only such a one is started again.
  Instant asked_at{};
  /// When the last request to stop it went out whose end nobody has seen, by the clock of the key's provider.
  std::optional<Instant> in_doubt;
  std::optional<Instant> at_rest;         ///< Absent: it may still run.
  std::optional<Instant> start_asked_at;  ///< The last time.
  std::optional<Instant> running_at;      ///< First seen to run again.
  std::optional<Instant> ended_at;
  std::string outcome;  ///< "", "running", "gone", "left_stopped".
  std::string message;  ///< The last thing that went wrong with it.
  std::string request_id;
  bool operator==(MachineStop const&) const = default;
};

/// Everything that changes together: one transaction, rows and history as one.
struct Change {
  std::vector<StoredKey> keys;  ///< Insert or replace key facts; versions are left alone.
  /// Insert, or update attributes; made_by is never overwritten by unknown, rotation never by none.
  std::vector<StoredVersion> versions;
  std::vector<Registration> registrations;  ///< Insert or replace by (key, resource).
  std::vector<Registration> registrations_gone;
  std::vector<Rotation> rotations;               ///< Insert or replace by id.
  std::vector<StepRecord> steps;                 ///< Insert or replace by (rotation, step, attempt).
  std::vector<ResourceChange> resource_changes;  ///< Insert or replace by (rotation, resource, attempt).
  std::vector<MachineStop> machine_stops;        ///< Insert or replace by (rotation, machine, attempt).
  std::vector<PreviousDek> previous_deks;  ///< Insert; one that is there already word for word is left alone.
  bool admit_keys{};                 ///< Every key stored so far counts as judged (StoredKey::admitted).
  std::vector<Hold> holds;           ///< Insert or replace by kind, scope and moment of placing.
  std::vector<HistoryEvent> events;  ///< Appended in order.
};

/// Both as one, `more` after what `to` holds.
void append(Change& to, Change more);

struct RecordedEvent {
  std::int64_t sequence{};
  HistoryEvent event;
  std::string hash;  ///< Hex SHA-256 of the chain up to and with this event.
  bool operator==(RecordedEvent const&) const = default;
};

struct HistoryQuery {
  std::optional<KeyRef> key;
  std::optional<std::string> key_text;  ///< Part of a key's reference or name, when no exact key is known.
  std::optional<PolicyName> policy;
  std::optional<RotationId> rotation;
  std::optional<Instant> since;  ///< From this moment on,
  std::optional<Instant> until;  ///< and before this one.
  std::optional<EventOutcome> outcome;
  std::optional<EventKind> kind;
  std::int64_t after_sequence{0};
  std::size_t limit{1000};
  bool newest_first{false};  ///< For the newest `limit`; `after_sequence` is a lower bound all the same.
};

/// The newest event of the history: what an outside witness (a log, a ticket, a safe) has to keep so that a
/// cut-off tail can be noticed later.
struct HistoryHead {
  std::int64_t sequence{};  ///< 0: no event yet.
  std::string hash;         ///< Hex SHA-256; 64 zeros when there is no event yet.
  bool operator==(HistoryHead const&) const = default;
};

/// The reading half: state, journal and history as they were last committed. Synchronous.
/// Errors are of class storage; `remedy` says what a person can do.
class StoreReader {
 public:
  virtual ~StoreReader() = default;

  /// By provider, vault, id; `versions` filled in.
  virtual Result<std::vector<StoredKey>> keys() = 0;
  virtual Result<std::optional<StoredKey>> key(KeyRef const& ref) = 0;
  /// Oldest first.
  virtual Result<std::vector<StoredVersion>> versions(KeyRef const& ref) = 0;
  /// By resource.
  virtual Result<std::vector<Registration>> registrations(KeyRef const& ref) = 0;
  /// Of all keys, those whose resource's id begins with `prefix`; by resource, then key.
  virtual Result<std::vector<Registration>> registrations_under(std::string const& prefix) = 0;
  /// Of all keys; by key, then resource.
  virtual Result<std::vector<Registration>> registrations_following(Following following) = 0;

  /// Rotations in state open or blocked.
  virtual Result<std::vector<Rotation>> unfinished_rotations() = 0;
  virtual Result<std::optional<Rotation>> rotation(RotationId const& id) = 0;
  /// Newest first.
  virtual Result<std::vector<Rotation>> rotations(KeyRef const& ref, std::size_t limit) = 0;
  /// By intended_at, then in the order of the steps and attempts.
  virtual Result<std::vector<StepRecord>> steps(RotationId const& id) = 0;
  /// By resource, then attempt.
  virtual Result<std::vector<ResourceChange>> resource_changes(RotationId const& id) = 0;
  /// By machine, then attempt.
  virtual Result<std::vector<MachineStop>> machine_stops(RotationId const& id) = 0;
  /// How long the machines of a resource stood still the last time that they did, the longest of them.
  virtual Result<std::optional<std::chrono::seconds>> last_downtime(ResourceId const& resource) = 0;
  /// In the order they were recorded.
  virtual Result<std::vector<PreviousDek>> previous_deks(KeyRef const& ref) = 0;

  /// Holds in force, and released ones of the clock whose difference is still accepted; by when they were
  /// placed.
  virtual Result<std::vector<Hold>> holds() = 0;

  /// Oldest first, `query.limit` at most: go on with `after_sequence` of the last one.
  virtual Result<std::vector<RecordedEvent>> history(HistoryQuery const& query) = 0;
  virtual Result<HistoryHead> history_head() = 0;
};

/// State, journal and history. Every commit() is one durable transaction: when it returns success the change
/// survives power loss, when it returns an error nothing of it happened.
///
/// What a Change names has to be there or come in the same Change: the key of a version, registration,
/// rotation or previous WDEK, the rotation of a step. No key has two open rotations. A Change that breaks
/// this is refused with an error that names the item.
class Store : public StoreReader {
 public:
  virtual Result<void> commit(Change const& change) = 0;
};

}  // namespace rekeyd::storage
