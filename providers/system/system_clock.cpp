#include "providers/system/system_clock.hpp"

#include "providers/system/clock_set_notice.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <ctime>

namespace rekeyd::providers {
namespace {

namespace asio = boost::asio;

class SystemClock final : public Clock {
 public:
  Instant wall_now() const override {
    return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  }
  Mono mono_now() const override { return std::chrono::steady_clock::now(); }
  Mono boot_now() const override {
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    return Mono(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
  }

  asio::awaitable<void> sleep_until(Mono when) override {
    auto executor = co_await asio::this_coro::executor;
    asio::steady_timer timer(executor, when);
    co_await timer.async_wait(asio::use_awaitable);
  }

  asio::awaitable<void> sleep_until_or_cancelled(Mono when) override {
    auto executor = co_await asio::this_coro::executor;
    asio::steady_timer timer(executor, when);
    co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  }

  asio::awaitable<void> clock_set() override { return wait_for_clock_set(); }
};

}  // namespace

std::unique_ptr<Clock> make_system_clock() { return std::make_unique<SystemClock>(); }

}  // namespace rekeyd::providers
