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
  /// Never steps. For deadlines, waits and rates.
  virtual Mono mono_now() const = 0;
  /// Completes at `when`; throws boost::system::system_error(operation_aborted) if cancelled before.
  virtual boost::asio::awaitable<void> sleep_until(Mono when) = 0;
  /// The same, but ends without throwing when cancelled: for races that are mostly lost, where the exception
  /// would cost more than the wait. Look at mono_now() to tell the two endings apart.
  virtual boost::asio::awaitable<void> sleep_until_or_cancelled(Mono when) = 0;
};

}  // namespace rekeyd::providers
