// The tests' own tools are held to what they promise: a simulation is as exact as its clock.
#include "providers/http/deadline.hpp"
#include "tests/support/run_coroutine.hpp"
#include "tests/support/seeded_random.hpp"

#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <catch2/catch.hpp>

using namespace rekeyd;
using namespace rekeyd::providers;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

Instant const noon = parse_rfc3339("2026-03-01T12:00:00Z").value();

asio::awaitable<void> sleep_and_note(Clock& clock, std::chrono::seconds length, std::vector<int>& notes,
                                     int note) {
  co_await clock.sleep_until(clock.mono_now() + length);
  notes.push_back(note);
}

asio::awaitable<Result<int>> answer_after(Clock& clock, std::chrono::seconds length, int answer) {
  co_await clock.sleep_until(clock.mono_now() + length);
  co_return answer;
}

asio::awaitable<Result<int>> throw_after(Clock& clock, std::chrono::seconds length) {
  co_await clock.sleep_until(clock.mono_now() + length);
  throw std::runtime_error("a defect");
}

asio::awaitable<void> wait_forever() {
  auto executor = co_await asio::this_coro::executor;
  asio::steady_timer never(executor, asio::steady_timer::time_point::max());
  co_await never.async_wait(asio::use_awaitable);
}

}  // namespace

TEST_CASE("virtual time jumps from sleeper to sleeper, in order") {
  std::vector<int> notes;
  test::VirtualLoop loop(noon);
  asio::co_spawn(loop.io, sleep_and_note(loop.clock, 3600s, notes, 1), asio::detached);
  asio::co_spawn(loop.io, sleep_and_note(loop.clock, 60s, notes, 2), asio::detached);
  asio::co_spawn(loop.io, sleep_and_note(loop.clock, 3600s, notes, 3), asio::detached);
  loop.run(sleep_and_note(loop.clock, 24h * 365, notes, 4));
  CHECK(notes == std::vector<int>{2, 1, 3, 4});
  CHECK(loop.clock.wall_now() == noon + 24h * 365);
  CHECK(loop.clock.sleepers() == 0);
}

TEST_CASE("the wall clock can be set without moving anything else") {
  test::VirtualLoop loop(noon);
  auto const mono = loop.clock.mono_now();
  loop.clock.step_wall(-5min);
  CHECK(loop.clock.wall_now() == noon - 5min);
  CHECK(loop.clock.mono_now() == mono);
}

TEST_CASE("a deadline ends the slow, leaves the quick alone, and loses no exception") {
  test::VirtualLoop loop(noon);
  auto& clock = loop.clock;
  auto const in = [&clock](std::chrono::seconds length) { return clock.mono_now() + length; };
  auto const quick =
      loop.run(with_deadline<int>(clock, in(10s), Delivery::not_sent, "here", answer_after(clock, 1s, 7)));
  CHECK(quick == 7);
  CHECK(clock.wall_now() == noon + 1s);
  auto const slow = loop.run(
      with_deadline<int>(clock, in(10s), Delivery::maybe_applied, "here", answer_after(clock, 1h, 7)));
  REQUIRE_FALSE(slow);
  CHECK(slow.error().delivery == Delivery::maybe_applied);
  CHECK(slow.error().error_class == ErrorClass::transient);
  CHECK(slow.error().where == "here");
  CHECK(clock.wall_now() == noon + 11s);
  CHECK_THROWS_WITH(
      loop.run(with_deadline<int>(clock, in(10s), Delivery::not_sent, "here", throw_after(clock, 1s))),
      "a defect");
  CHECK(clock.wall_now() == noon + 12s);
  CHECK(clock.sleepers() == 0);
}

TEST_CASE("a coroutine that can never end is an error, not a hang") {
  test::VirtualLoop loop(noon);
  CHECK_THROWS_AS(loop.run(wait_forever()), std::logic_error);
}

TEST_CASE("a seed gives the same numbers again") {
  test::SeededRandom first(42);
  test::SeededRandom again(42);
  test::SeededRandom other(43);
  auto const id = first.uuid();
  CHECK(id == again.uuid());
  CHECK(id != other.uuid());
  CHECK(first.below(1000) == again.below(1000));
}
