#include "providers/system/clock_set_notice.hpp"

#include "providers/system/system_clock.hpp"
#include "tests/support/run_coroutine.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/system/system_error.hpp>
#include <catch2/catch.hpp>

#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <optional>

namespace rekeyd::providers {
namespace {

namespace asio = boost::asio;

/// A wait for a setting of the real clock.
struct Waiting {
  asio::io_context io{1};
  asio::cancellation_signal signal;
  std::optional<std::exception_ptr> ended;

  Waiting() {
    asio::co_spawn(io, wait_for_clock_set(),
                   asio::bind_cancellation_slot(signal.slot(), [this](std::exception_ptr e) { ended = e; }));
    test::run_ready(io);
  }
};

TEST_CASE("only a cancelled timer says that the clock was set") {
  CHECK(says_clock_was_set(-1, ECANCELED));
  CHECK_FALSE(says_clock_was_set(-1, EAGAIN));
  CHECK_FALSE(says_clock_was_set(8, ECANCELED));
}

TEST_CASE("a clock that nobody sets rings nothing, and the wait can be cancelled") {
  Waiting waiting;
  CHECK_FALSE(waiting.ended);
  waiting.signal.emit(asio::cancellation_type::terminal);
  REQUIRE(test::run_until(waiting.io, [&] { return waiting.ended.has_value(); }));
  REQUIRE(*waiting.ended);
  try {
    std::rethrow_exception(*waiting.ended);
  } catch (boost::system::system_error const& error) {
    CHECK(error.code() == asio::error::operation_aborted);
  }
}

// Sets this machine's clock to what it is, for which one must be allowed to and want to:
// REKEYD_TEST_MAY_SET_CLOCK=1.
TEST_CASE("setting the clock ends the wait") {
  Waiting waiting;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): tests have one thread
  if (std::getenv("REKEYD_TEST_MAY_SET_CLOCK") == nullptr) {
    WARN("skipped: REKEYD_TEST_MAY_SET_CLOCK is not set");
    return;
  }
  timespec now{};
  REQUIRE(::clock_gettime(CLOCK_REALTIME, &now) == 0);
  REQUIRE(::clock_settime(CLOCK_REALTIME, &now) == 0);
  REQUIRE(test::run_until(waiting.io, [&] { return waiting.ended.has_value(); }));
  CHECK_FALSE(*waiting.ended);
}

TEST_CASE("the clock that goes on through suspensions never lags behind the one that does not") {
  auto const clock = make_system_clock();
  auto const mono = clock->mono_now();
  CHECK(clock->boot_now() >= mono);
}

}  // namespace
}  // namespace rekeyd::providers
