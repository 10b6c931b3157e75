#pragma once
#include "daemon/bell.hpp"
#include "daemon/brakes.hpp"
#include "daemon/fleet.hpp"
#include "daemon/rotator.hpp"
#include "daemon/stop_flag.hpp"
#include "daemon/task_group.hpp"

#include <memory>
#include <optional>
#include <string>

namespace rekeyd::daemon {

/// Sleeps until a key needs attention, then lets rotations begin and go on as far as the brakes allow. Wakes
/// for nothing else but a call of wake() and, every few minutes, in case a setting of the clock went
/// unnoticed.
class Scheduler {
 public:
  Scheduler(World& world, Fleet& fleet, Rotator& rotator, StopFlag const& stop, Brakes& brakes);

  /// Until stopped. Waits for the rotations in hand before it ends; cancelled, it cancels them.
  boost::asio::awaitable<void> run();
  /// Something has changed: look now.
  void wake();
  /// A person has opened a rotation: it counts toward the cap, and is not held by it.
  void began_on_request(TrackedKey const& key);
  std::size_t in_flight() const { return rotations_.size(); }
  /// Why nothing begins although something is due: the disk refused to put it on record. Empty when it did
  /// not.
  std::string const& storage_trouble() const { return storage_trouble_; }

 private:
  void start_what_is_due();
  void continue_open_rotations(Instant now);
  void begin_due_rotations(Instant now);
  void begin(TrackedKey& key, Verdict const& why);
  void not_on_record(Error const& error);
  std::optional<Instant> next_look(Instant now);
  void carry_on(KeyRef const& key);
  using Place = std::unique_ptr<RotationCaps::Place>;
  Place take_in_hand(TrackedKey& key);
  boost::asio::awaitable<void> new_rotation(Rotation proposed, Place place);
  boost::asio::awaitable<void> open_rotation(KeyRef key, Place place);
  boost::asio::awaitable<void> sleep_until_needed(std::uint64_t rings);

  World& world_;
  Fleet& fleet_;
  Rotator& rotator_;
  StopFlag const& stop_;
  Brakes& brakes_;
  Bell bell_;
  std::optional<providers::Clock::Mono> storage_rest_until_;
  std::string storage_trouble_;  ///< Kept until the next try.
  TaskGroup rotations_;
};

}  // namespace rekeyd::daemon
