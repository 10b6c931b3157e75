#pragma once
#include "daemon/fleet.hpp"
#include "daemon/rotator.hpp"
#include "daemon/stop_flag.hpp"
#include "daemon/world.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <set>
#include <vector>

namespace rekeyd::daemon {

struct Observation;

/// Keeps what we know of one provider instance's keys true: lists them, reads those that are new or changed,
/// records what differs from our state, and hands the result to the fleet. A key that cannot be read fails
/// alone; a provider that cannot be reached leaves our knowledge as it was and is asked again.
///
/// Keys with an open rotation are left out: their rotation reads and writes them; those whose rotation is
/// blocked are looked at. After a backup took the database's place every key is reconciled first, and nothing
/// of it goes on before.
class Inventory {
 public:
  /// Whom it tells. `changed`: the fleet has changed, many times in a look at a large one; `looked`: a look
  /// has come to its end.
  struct Listeners {
    std::function<void()> changed;
    std::function<void()> looked;
  };
  Inventory(World& world, Fleet& fleet, Rotator& rotator, StopFlag const& stop, ProviderName provider,
            std::chrono::seconds every, Listeners listeners);

  /// Looks now and then at the given interval until stopped; sooner, with back-off, after a failure or while
  /// a key could not be read.
  boost::asio::awaitable<void> run();
  /// One look. True when every vault was read to its end.
  boost::asio::awaitable<bool> look();

 private:
  boost::asio::awaitable<Result<std::set<KeyRef>>> look_at_vault(VaultName vault);
  boost::asio::awaitable<Result<void>> read_changed(std::vector<RootKey> listed);
  boost::asio::awaitable<void> look_at_registrations(VaultName vault);
  bool worth_reading(RootKey const& listed);
  Result<void> record_gone(VaultName const& vault, std::set<KeyRef> const& listed);
  void note_unreadable(RootKey const& listed, Error const& error);
  void note_unlisted(Error const& defect);
  Result<void> find_missed_drift(TrackedKey const& known, Observation& observation);
  void remember_error(Error const& error);

  World& world_;
  Fleet& fleet_;
  Rotator& rotator_;
  StopFlag const& stop_;
  ProviderName provider_;
  std::chrono::seconds every_;
  Listeners listeners_;
  int failures_{};
  std::optional<Instant> believe_from_;  ///< When keys of this look can be read that could not yet.
  std::size_t unread_{};                 ///< Keys that the last look listed and could not read.
  std::set<KeyRef>
      reregistered_;      ///< Of the vault that is looked at: whose registrations are not as on record.
  std::string unlisted_;  ///< The last entry of this look's listings that could not be read, told; or empty.
};

}  // namespace rekeyd::daemon
