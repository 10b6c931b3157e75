#pragma once
#include "daemon/group_commit.hpp"
#include "daemon/world.hpp"
#include "policy/history_event.hpp"
#include "policy/rotation.hpp"
#include "storage/store.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace rekeyd::daemon {

/// Makes rotations durable: intent before the act, outcome after it, each in one transaction with its history
/// events. An error means nothing was written and nothing may be done on the strength of it.
class Journal {
 public:
  explicit Journal(World& world) : world_(world), group_(world.executor, world.store, world.committing) {}

  /// The rotation exists from here on.
  Result<void> open(Rotation const& rotation);
  /// The same, and its first step is about to be tried: one transaction.
  boost::asio::awaitable<Result<storage::StepRecord>> open_and_intend(Rotation rotation);
  /// The same as part of another change.
  static void add_opening(Rotation const& rotation, storage::Change& change);
  /// `rotation.step` is about to be tried. Returns the record that settle() completes.
  boost::asio::awaitable<Result<storage::StepRecord>> intend(Rotation rotation);
  /// The rotation as it is, in the middle of a step, and what is to be told with it.
  boost::asio::awaitable<Result<void>> keep(Rotation rotation, std::optional<HistoryEvent> event);
  /// The try is over: `after` is the rotation as advance() left it; `facts` are rows that change with it
  /// (a new key version, a moved registration) and further events; `follower` is opened with them.
  ///
  /// `then_next`: the next step follows at once. Its intent becomes durable in the same transaction (nothing
  /// is done between the two, and one wait for the disk is saved) and its record is returned.
  boost::asio::awaitable<Result<std::optional<storage::StepRecord>>> settle(
      storage::StepRecord record, Rotation after, StepOutcome outcome, storage::Change facts,
      std::optional<Rotation> follower, bool then_next);
  /// A person's decision on a rotation, with the rows that change with it.
  Result<void> decided(Rotation const& after, std::string const& caller, std::string const& sentence,
                       storage::Change change = {});

 private:
  Result<int> next_attempt(Rotation const& rotation);
  Result<storage::StepRecord> add_intent(Rotation const& rotation, storage::Change& change);
  void intent_is_durable(storage::StepRecord const& record);
  void add_outcome(storage::StepRecord record, Rotation const& after, StepOutcome const& outcome,
                   storage::Change& change);

  World& world_;
  GroupCommit group_;
  /// The tries on record, by step, of open rotations that have begun a step in this life: what the store
  /// would say, without waiting for a commit that is under way.
  std::map<RotationId, std::map<Step, int>> tries_;
};

/// An event about a rotation, stamped `at`, with everything that the rotation knows filled in.
HistoryEvent event_of(Rotation const& rotation, EventKind kind, std::string sentence, Instant at);

/// Puts a provider's evidence into an event: request id, correlation id, the provider's date, notes.
void add_evidence(HistoryEvent& event, providers::Evidence const& evidence);

}  // namespace rekeyd::daemon
