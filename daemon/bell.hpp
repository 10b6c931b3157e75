#pragma once
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <list>

namespace rekeyd::daemon {

/// Wakes coroutines that wait for something to change. The timers that asio needs for it live in the waiting
/// frames and not in the bell, so a bell may outlive its io_context: whoever tears a world down destroys the
/// io_context first, and the frames that unwind then still find everything they refer to.
class Bell {
 public:
  Bell() = default;
  Bell(Bell const&) = delete;
  Bell& operator=(Bell const&) = delete;

  /// How often it has rung. Take it before looking whether there is something to do, and wait with it: a ring
  /// in between is then not missed.
  std::uint64_t rings() const { return rings_; }
  /// Completes once it has rung more than `seen` times, or when the waiting coroutine is cancelled; never
  /// throws by itself.
  boost::asio::awaitable<void> wait(std::uint64_t seen);
  void ring();

 private:
  class Waiter;
  std::uint64_t rings_{};
  std::list<boost::asio::steady_timer*> waiting_;  ///< Woken in the order in which they came.
};

}  // namespace rekeyd::daemon
