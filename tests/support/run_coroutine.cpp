#include "tests/support/run_coroutine.hpp"

namespace rekeyd::test {

namespace asio = boost::asio;

bool run_until(asio::io_context& io, VirtualClock& clock, std::function<bool()> const& stop) {
  while (!stop()) {
    io.restart();
    if (io.poll_one() != 0) continue;
    if (!clock.ring_next()) return false;
  }
  return true;
}

bool run_until(asio::io_context& io, std::function<bool()> const& stop) {
  io.restart();
  while (!stop()) {
    if (io.run_one() == 0) return false;
  }
  return true;
}

void run_ready(asio::io_context& io) {
  io.restart();
  io.poll();
}

namespace detail {

void Flight::start(asio::io_context& io, asio::awaitable<void> operation) {
  asio::co_spawn(io, std::move(operation), [this](std::exception_ptr thrown) {
    thrown_ = std::move(thrown);
    ended_ = true;
  });
}

void Flight::finish(bool stopped) const {
  if (!stopped) throw std::logic_error("the coroutine waits for something that will never happen");
  if (thrown_) std::rethrow_exception(thrown_);
}

}  // namespace detail
}  // namespace rekeyd::test
