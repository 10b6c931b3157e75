#pragma once
#include "policy/instant.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>

namespace rekeyd::providers {

/// Every reading of time and every wait goes through here, so that a simulation can own time.
class Clock {
 public:
  using Mono = std::chrono::steady_clock::time_point;

  virtual ~Clock() = default;
  /// UTC in whole seconds; may step when somebody sets the system's clock.
  virtual Instant wall_now() const = 0;
  /// Never steps. For deadlines, waits and rates. Stands still while the machine is suspended.
  virtual Mono mono_now() const = 0;
  /// Never steps, and goes on while the machine is suspended: what the wall clock is compared with, so that
  /// a suspension does not look as if somebody had set the clock.
  virtual Mono boot_now() const { return mono_now(); }
  /// Completes at `when`; throws boost::system::system_error(operation_aborted) if cancelled before.
  virtual boost::asio::awaitable<void> sleep_until(Mono when) = 0;
  /// The same, but ends without throwing when cancelled: for races that are mostly lost, where the exception
  /// would cost more than the wait. Look at mono_now() to tell the two endings apart.
  virtual boost::asio::awaitable<void> sleep_until_or_cancelled(Mono when) = 0;
  /// Completes when somebody sets the wall clock, or the machine wakes from a suspension; throws
  /// boost::system::system_error(operation_aborted) if cancelled before. What happens between two waits goes
  /// unnoticed: compare wall_now() with boot_now() besides. A clock that nobody can set waits for ever.
  virtual boost::asio::awaitable<void> clock_set() { return sleep_until(Mono::max()); }
};

}  // namespace rekeyd::providers
