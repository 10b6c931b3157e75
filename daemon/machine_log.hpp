#pragma once
#include "daemon/group_commit.hpp"
#include "daemon/world.hpp"
#include "policy/history_event.hpp"
#include "policy/quiesce_rules.hpp"
#include "policy/rotation.hpp"
#include "storage/store.hpp"

#include <optional>
#include <vector>

namespace rekeyd::daemon {

/// The machines that one rotation has stopped, on record: whatever is kept is durable before anybody goes on.
class MachineLog {
 public:
  static Result<MachineLog> read(World& world, Rotation rotation);

  std::vector<storage::MachineStop> const& stops() const { return stops_; }
  /// Those that have not ended.
  std::vector<storage::MachineStop> open() const;
  /// The last stop of a machine; nothing: it was never stopped in this rotation.
  std::optional<storage::MachineStop> last_of(ResourceId const& machine) const;
  /// When the first machine that stands still now and ran before was stopped.
  std::optional<Instant> standing_since() const;

  /// What is left of the time that machines may stand still; nothing: none of ours does.
  std::optional<std::chrono::seconds> time_left(QuiesceRules const& rules) const;

  /// An event alone.
  boost::asio::awaitable<Result<void>> tell(HistoryEvent event);
  /// Replaces the stop of that machine and attempt.
  boost::asio::awaitable<Result<void>> keep(storage::MachineStop stop);
  /// The same, with what happened.
  boost::asio::awaitable<Result<void>> keep(storage::MachineStop stop, HistoryEvent event);

  /// An event about a machine of this rotation, now.
  HistoryEvent event_of(storage::MachineStop const& stop, EventKind kind, std::string sentence) const;

 private:
  MachineLog(World& world, Rotation rotation, std::vector<storage::MachineStop> stops);
  boost::asio::awaitable<Result<void>> write(storage::Change change);

  World* world_;
  Rotation rotation_;
  std::vector<storage::MachineStop> stops_;
  GroupCommit group_;
};

}  // namespace rekeyd::daemon
