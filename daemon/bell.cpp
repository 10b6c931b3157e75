#include "daemon/bell.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <utility>

namespace rekeyd::daemon {

namespace asio = boost::asio;

class Bell::Waiter {
 public:
  Waiter(Bell& bell, asio::any_io_executor executor)
      : bell_(bell),
        timer_(std::move(executor), asio::steady_timer::time_point::max()),
        place_(bell_.waiting_.insert(bell_.waiting_.end(), &timer_)) {}
  Waiter(Waiter const&) = delete;
  Waiter& operator=(Waiter const&) = delete;
  ~Waiter() { bell_.waiting_.erase(place_); }
  asio::steady_timer& timer() { return timer_; }

 private:
  Bell& bell_;
  asio::steady_timer timer_;
  std::list<asio::steady_timer*>::iterator place_;
};

asio::awaitable<void> Bell::wait(std::uint64_t seen) {
  if (rings_ != seen) co_return;
  asio::any_io_executor const executor = co_await asio::this_coro::executor;
  Waiter waiter(*this, executor);
  auto const [error] = co_await waiter.timer().async_wait(asio::as_tuple(asio::use_awaitable));
  (void)error;  // the timer never rings by time: every ending of the wait means "look again"
}

void Bell::ring() {
  ++rings_;
  for (asio::steady_timer* timer : waiting_) timer->cancel();
}

}  // namespace rekeyd::daemon
