#include "providers/system/system_clock.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace rekeyd::providers {
namespace {

namespace asio = boost::asio;

class SystemClock final : public Clock {
 public:
  Instant wall_now() const override {
    return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  }
  Mono mono_now() const override { return std::chrono::steady_clock::now(); }

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
};

}  // namespace

std::unique_ptr<Clock> make_system_clock() { return std::make_unique<SystemClock>(); }

}  // namespace rekeyd::providers
