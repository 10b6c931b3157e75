#pragma once
#include "tests/support/virtual_clock.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <functional>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace rekeyd::test {

/// Runs handlers, and lets `clock` jump whenever all is quiet, until `stop()`. False if everything came to
/// rest before: nothing is ready and nobody sleeps.
bool run_until(boost::asio::io_context& io, VirtualClock& clock, std::function<bool()> const& stop);
/// The same in real time. False if the io_context ran out of work before.
bool run_until(boost::asio::io_context& io, std::function<bool()> const& stop);
/// Runs what is ready now, without letting time pass.
void run_ready(boost::asio::io_context& io);

namespace detail {

// The value goes through here and not through co_spawn's handler, which would demand a default constructor.
template <class T>
boost::asio::awaitable<void> keep(boost::asio::awaitable<T> operation, std::optional<T>& out) {
  out.emplace(co_await std::move(operation));
}

// A coroutine under way and how it ended.
class Flight {
 public:
  void start(boost::asio::io_context& io, boost::asio::awaitable<void> operation);
  bool ended() const { return ended_; }
  void finish(bool stopped) const;

 private:
  bool ended_{false};
  std::exception_ptr thrown_;
};

template <class T, class Run>
T run_coroutine(boost::asio::io_context& io, boost::asio::awaitable<T> operation, Run const& run) {
  Flight flight;
  auto const ended = [&flight] { return flight.ended(); };
  if constexpr (std::is_void_v<T>) {
    flight.start(io, std::move(operation));
    flight.finish(run(ended));
  } else {
    std::optional<T> out;
    flight.start(io, keep(std::move(operation), out));
    flight.finish(run(ended));
    return std::move(*out);
  }
}

}  // namespace detail

/// Runs `operation` to its end in real time and returns what it returned or throws what it threw. Throws
/// std::logic_error if it can never end.
template <class T>
T run_coroutine(boost::asio::io_context& io, boost::asio::awaitable<T> operation) {
  return detail::run_coroutine(io, std::move(operation),
                               [&io](std::function<bool()> const& stop) { return run_until(io, stop); });
}

/// The same in virtual time.
template <class T>
T run_coroutine(boost::asio::io_context& io, VirtualClock& clock, boost::asio::awaitable<T> operation) {
  return detail::run_coroutine(io, std::move(operation), [&io, &clock](std::function<bool()> const& stop) {
    return run_until(io, clock, stop);
  });
}

/// One thread of virtual time. Destroying it unwinds whatever is still under way, so declare it after what
/// its coroutines refer to.
struct VirtualLoop {
  explicit VirtualLoop(Instant wall) : clock(wall) {}

  template <class T>
  T run(boost::asio::awaitable<T> operation) {
    return run_coroutine(io, clock, std::move(operation));
  }

  VirtualClock clock;
  boost::asio::io_context io{1};
};

}  // namespace rekeyd::test
