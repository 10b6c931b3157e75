#include "providers/http/quota.hpp"

#include "tests/providers/http/client_world.hpp"

#include <catch2/catch.hpp>

using namespace rekeyd;
using namespace rekeyd::providers;
using namespace rekeyd::test::client;
using namespace std::chrono_literals;
using test::answer;

namespace {

SharedAllowancePtr allowance(World const& world, std::int64_t units, std::chrono::seconds within) {
  return std::make_shared<SharedAllowance>(PublishedLimit::window(units, within), 100U,
                                           world.clock.mono_now());
}

Charges charged(SharedAllowancePtr const& allowance, std::int64_t cost = 1) {
  Charge charge;
  charge.allowance = allowance;
  charge.cost = cost;
  return {charge};
}

}  // namespace

TEST_CASE("calls keep a published limit in order of arrival, and wait for it without losing their patience") {
  World world({answer(200)});
  auto const few = allowance(world, 20, 10s);
  Calls calls;
  for (int i = 0; i < 40; ++i)
    calls.start(world, "/" + std::to_string(i), Repeatable::yes, 2s, charged(few, 2));
  REQUIRE(test::run_until(world.io, world.clock, [&] { return calls.all_ended(); }));
  for (auto const& slot : calls.slots) CHECK(slot.outcome->has_value());
  REQUIRE(world.network.sent().size() == 40);
  for (std::size_t i = 0; i < 40; ++i) CHECK(targets(world)[i] == "/" + std::to_string(i));
  for (std::size_t i = 10; i < 40; ++i) CHECK(world.sent_at(i) - world.sent_at(i - 10) >= 10s);
  CHECK(world.since_start() <= 41s);
  auto const counters = world.client->counters();
  CHECK(counters.waiting == 0);
  CHECK(counters.waited >= 700s);
  CHECK(counters.throttled == 0);
}

TEST_CASE("two clients share one limit, and what waits for it holds no other call up") {
  World one({answer(200)});
  auto const few = allowance(one, 10, 10s);
  auto second = make_api_client(one.network, one.clock, one.random, ApiLimits{});
  Calls calls;
  for (int i = 0; i < 15; ++i) {
    calls.start(one, "/one", Repeatable::yes, 2s, charged(few));
    std::swap(one.client, second);
  }
  calls.start(one, "/free");
  test::run_ready(one.io);
  REQUIRE(test::run_until(one.io, one.clock, [&] { return calls[15].outcome.has_value(); }));
  CHECK(one.since_start() < 1s);
  REQUIRE(test::run_until(one.io, one.clock, [&] { return calls.all_ended(); }));
  auto const sent = one.network.sent_at();
  REQUIRE(sent.size() == 16);
  for (std::size_t i = 11; i < 16; ++i) CHECK(sent[i] - sent[i - 10] >= 9s);
}

TEST_CASE("a refusal holds and lowers the limits that the call drew on, and no other calls") {
  World world({answer(429, "", {{"Retry-After", "20"}}), answer(200)});
  auto const drawn_on = allowance(world, 4'000, 10s);
  Calls calls;
  calls.start(world, "/refused", Repeatable::no, 1min, charged(drawn_on));
  test::run_ready(world.io);
  calls.start(world, "/same", Repeatable::yes, 1min, charged(drawn_on));
  calls.start(world, "/other", Repeatable::yes, 1min, charged(allowance(world, 10, 1s)));
  REQUIRE(test::run_until(world.io, world.clock, [&] { return calls[2].outcome.has_value(); }));
  CHECK(world.since_start() < 1s);
  REQUIRE(test::run_until(world.io, world.clock, [&] { return calls.all_ended(); }));
  // The refused call came first, and goes first.
  CHECK(targets(world) == std::vector<std::string>{"/refused", "/other", "/refused", "/same"});
  CHECK(world.sent_at(2) >= 20s);
  CHECK(drawn_on->allowance.per_second() == Approx(200));
}

TEST_CASE("who would have to wait too long for a limit is told when to come again, and sends nothing") {
  ApiLimits limits;
  limits.quota_patience = 60s;
  World world({answer(200)}, limits);
  auto const held = allowance(world, 4'000, 10s);
  held->allowance.hold(world.clock.mono_now() + 20min);
  Calls calls;
  calls.start(world, "/keys", Repeatable::yes, 10min, charged(held));
  REQUIRE(test::run_until(world.io, world.clock, [&] { return calls.all_ended(); }));
  REQUIRE_FALSE(calls[0].outcome->has_value());
  auto const& error = calls[0].outcome->error();
  CHECK(error.code == over_published_limit);
  CHECK(error.error_class == ErrorClass::transient);
  CHECK(error.delivery == Delivery::not_sent);
  CHECK(error.retry_after == 20min);
  CHECK_FALSE(error.remedy.empty());
  CHECK(world.since_start() == 0ms);
  CHECK(world.network.sent().empty());
}

TEST_CASE("whoever is cancelled in the line for a limit makes room for the next") {
  World world({answer(200)});
  auto const few = allowance(world, 1, 10s);
  Calls calls;
  for (char const* target : {"/1", "/2", "/3"}) calls.start(world, target, Repeatable::yes, 2s, charged(few));
  REQUIRE(test::run_until(world.io, world.clock, [&] { return calls[0].outcome.has_value(); }));
  CHECK(world.client->counters().waiting == 2);
  calls[1].stop.emit(asio::cancellation_type::terminal);
  REQUIRE(test::run_until(world.io, world.clock, [&] { return calls.all_ended(); }));
  CHECK(calls[1].outcome->error().error_class == ErrorClass::cancelled);
  CHECK(targets(world) == std::vector<std::string>{"/1", "/3"});
  CHECK(world.since_start() < 11s);
  CHECK(world.client->counters().waiting == 0);
}

TEST_CASE("a limit that requests under way have used up is waited for without a look at the clock") {
  ApiLimits limits;
  limits.call_timeout = 5min;
  World world({answer(200)}, limits);
  world.network.latency = 2min;
  auto const few = allowance(world, 2, 1s);
  Calls calls;
  for (char const* target : {"/1", "/2", "/3"})
    calls.start(world, target, Repeatable::yes, 5min, charged(few));
  REQUIRE(test::run_until(world.io, world.clock, [&] { return calls.all_ended(); }));
  CHECK(targets(world).back() == "/3");
  CHECK(world.sent_at(2) >= 2min);
  CHECK(world.sent_at(2) <= 2min + 3s);
}
