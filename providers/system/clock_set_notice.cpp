#include "providers/system/clock_set_notice.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <cerrno>
#include <cstdint>
#include <limits>

#include <sys/timerfd.h>
#include <unistd.h>

namespace rekeyd::providers {

namespace asio = boost::asio;

namespace {

[[noreturn]] void refuse(char const* what) {
  throw boost::system::system_error(errno, boost::system::system_category(), what);
}

/// Owned by the descriptor that it is given to.
int cancelled_on_set() {
  int const timer = ::timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
  if (timer < 0) refuse("timerfd_create");
  itimerspec never{};
  never.it_value.tv_sec = std::numeric_limits<decltype(never.it_value.tv_sec)>::max();
  if (::timerfd_settime(timer, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, nullptr) == 0)
    return timer;
  int const why = errno;
  ::close(timer);
  errno = why;
  refuse("timerfd_settime");
}

}  // namespace

bool says_clock_was_set(long bytes, int error) { return bytes < 0 && error == ECANCELED; }

asio::awaitable<void> wait_for_clock_set() {
  asio::any_io_executor const executor = co_await asio::this_coro::executor;
  asio::posix::stream_descriptor timer(executor, cancelled_on_set());
  for (;;) {
    co_await timer.async_wait(asio::posix::stream_descriptor::wait_read, asio::use_awaitable);
    std::uint64_t rings = 0;
    auto const bytes = ::read(timer.native_handle(), &rings, sizeof(rings));
    if (says_clock_was_set(bytes, errno)) co_return;
  }
}

}  // namespace rekeyd::providers
