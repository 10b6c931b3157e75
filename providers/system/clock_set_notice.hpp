#pragma once
#include <boost/asio/awaitable.hpp>

namespace rekeyd::providers {

/// Completes when CLOCK_REALTIME makes a jump: somebody sets it, or the machine wakes from a suspension.
/// Needs no privilege: a timer that rings in the farthest future and that the kernel cancels on such a jump
/// (TFD_TIMER_CANCEL_ON_SET, timerfd_create(2)). Throws boost::system::system_error: operation_aborted if
/// cancelled, else what the kernel refused.
boost::asio::awaitable<void> wait_for_clock_set();

/// Whether reading the timer says that the clock jumped: `bytes` and `error` as read(2) left them.
bool says_clock_was_set(long bytes, int error);

}  // namespace rekeyd::providers
