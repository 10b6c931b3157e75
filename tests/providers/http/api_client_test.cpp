#include "tests/providers/http/client_world.hpp"

#include <catch2/catch.hpp>

using namespace rekeyd;
using namespace rekeyd::providers;
using namespace rekeyd::test::client;
using namespace std::chrono_literals;
using test::answer;
using test::network_error;

TEST_CASE("any final status is handed to the caller at once") {
  auto const status = GENERATE(200u, 204u, 301u, 400u, 401u, 403u, 404u, 409u, 501u);
  World world({answer(status, "body")});
  auto const outcome = world.call(Repeatable::yes);
  REQUIRE(outcome);
  CHECK(outcome->status == status);
  CHECK(std::string_view(outcome->body) == "body");
  CHECK(world.network.sent().size() == 1);
  CHECK(world.since_start() == 0ms);
}

TEST_CASE("what may pass is tried again if the request may be repeated, with growing jittered waits") {
  auto const status = GENERATE(408u, 500u, 502u, 503u, 504u);
  World world({answer(status), answer(status), answer(status), answer(200)});
  auto const outcome = world.call(Repeatable::yes);
  REQUIRE(outcome);
  CHECK(outcome->status == 200);
  REQUIRE(world.network.sent().size() == 4);
  CHECK(std::string_view(world.network.sent()[3].body) == "{}");
  for (auto const& [i, longest] : {std::pair{1u, 500ms}, {2u, 1000ms}, {3u, 2000ms}}) {
    auto const wait = world.sent_at(i) - world.sent_at(i - 1);
    CHECK(wait >= longest / 2 - 1ms);
    CHECK(wait <= longest);
  }
  CHECK(world.client->counters().retries == 3);
}

TEST_CASE("what may have been applied is never sent again unless it may be repeated") {
  auto const status = GENERATE(408u, 500u, 503u);
  World answered({answer(status), answer(200)});
  CHECK(answered.call(Repeatable::no)->status == status);
  CHECK(answered.network.sent().size() == 1);

  World lost({network_error(Delivery::maybe_applied), answer(200)});
  auto const outcome = lost.call(Repeatable::no);
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().delivery == Delivery::maybe_applied);
  CHECK(lost.network.sent().size() == 1);
  CHECK(lost.client->counters().failed == 1);

  World repeatable({network_error(Delivery::maybe_applied), answer(200)});
  CHECK(repeatable.call(Repeatable::yes)->status == 200);
}

TEST_CASE("what never left, and what was throttled, is sent again whatever it is") {
  World unreachable({network_error(Delivery::not_sent), network_error(Delivery::not_sent), answer(201)});
  CHECK(unreachable.call(Repeatable::no)->status == 201);
  CHECK(unreachable.network.sent().size() == 3);

  World throttled({answer(429), answer(201)});
  CHECK(throttled.call(Repeatable::no)->status == 201);
  CHECK(throttled.client->counters().throttled == 1);
}

TEST_CASE("an error that will not pass by waiting is not repeated") {
  auto const error_class =
      GENERATE(ErrorClass::access, ErrorClass::malformed, ErrorClass::permanent, ErrorClass::cancelled);
  World world({network_error(Delivery::not_sent, error_class), answer(200)});
  auto const outcome = world.call(Repeatable::yes);
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().error_class == error_class);
  CHECK(world.network.sent().size() == 1);
}

TEST_CASE("tries are counted, and the last failure says how many") {
  ApiLimits limits;
  limits.tries_max = 3;
  World world({network_error(Delivery::not_sent)}, limits);
  auto const outcome = world.call(Repeatable::yes);
  REQUIRE_FALSE(outcome);
  CHECK(world.network.sent().size() == 3);
  CHECK(outcome.error().what.find("tried 3 times") != std::string::npos);

  World throttled({answer(429, "slow down")}, limits);
  CHECK(throttled.call(Repeatable::yes)->status == 429);
  CHECK(throttled.network.sent().size() == 3);
}

TEST_CASE("a later failure does not hide that an earlier try may have been applied") {
  World world({network_error(Delivery::maybe_applied), network_error(Delivery::not_sent)});
  auto const outcome = world.call(Repeatable::yes);
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().delivery == Delivery::maybe_applied);
}

TEST_CASE("Retry-After is honoured, in seconds and as a date") {
  World seconds({answer(503, "", {{"Retry-After", "7"}}), answer(200)});
  CHECK(seconds.call(Repeatable::yes)->status == 200);
  CHECK(seconds.sent_at(1) == 7s);

  World date({answer(429, "", {{"Retry-After", "Sun, 01 Mar 2026 12:00:42 GMT"}}), answer(200)});
  CHECK(date.call(Repeatable::yes)->status == 200);
  CHECK(date.sent_at(1) == 42s);

  World nonsense({answer(503, "", {{"Retry-After", "soon"}}), answer(200)});
  CHECK(nonsense.call(Repeatable::yes)->status == 200);
  CHECK(nonsense.sent_at(1) <= 500ms);
}

TEST_CASE("no wait begins that the deadline would cut short") {
  World world({answer(429, "", {{"Retry-After", "60"}}), answer(200)});
  auto const outcome = world.call(Repeatable::yes, 30s);
  REQUIRE(outcome);
  CHECK(outcome->status == 429);
  CHECK(world.since_start() == 0ms);
}

TEST_CASE("an exchange has its own limit within the deadline") {
  ApiLimits limits;
  limits.call_timeout = 2s;
  limits.tries_max = 2;
  World world({answer(200)}, limits);
  world.network.latency = 5s;
  auto const outcome = world.call(Repeatable::yes);
  REQUIRE_FALSE(outcome);
  CHECK(world.network.sent().size() == 2);
  CHECK(world.sent_at(1) >= 2s);

  World impatient({answer(200)}, limits);
  impatient.network.latency = 5s;
  CHECK_FALSE(impatient.call(Repeatable::yes, 500ms));
  CHECK(impatient.since_start() == 500ms);
}

TEST_CASE("one throttled call pauses the whole instance") {
  World world({answer(429, "", {{"Retry-After", "10"}}), answer(200)});
  Calls calls;
  calls.start(world, "/a");
  test::run_ready(world.io);
  calls.start(world, "/b");
  calls.start(world, "/c");
  REQUIRE(test::run_until(world.io, world.clock, [&] { return calls.all_ended(); }));
  CHECK(targets(world) == std::vector<std::string>{"/a", "/a", "/b", "/c"});
  CHECK(world.sent_at(1) == 10s);
  CHECK(world.sent_at(2) > 10s);  // one request greets the service, then the bucket fills at its rate
  CHECK(world.sent_at(3) <= 10s + 50ms);
}

TEST_CASE("no more than the limit is on its way, and the queue is first come, first served") {
  ApiLimits limits;
  limits.in_flight_max = 2;
  limits.requests_per_second = 0;
  World world({answer(200)}, limits);
  world.network.latency = 1s;
  Calls calls;
  std::vector<std::string> asked;
  for (int i = 0; i < 9; ++i) {
    asked.push_back("/" + std::to_string(i));
    calls.start(world, asked.back());
  }
  REQUIRE(test::run_until(world.io, world.clock, [&] { return calls.all_ended(); }));
  CHECK(targets(world) == asked);
  CHECK(world.network.in_flight_max() == 2);
  CHECK(world.since_start() == 5s);
}

TEST_CASE("the rate holds in the long run, after a burst") {
  ApiLimits limits;
  limits.in_flight_max = 100;
  limits.requests_per_second = 10;
  limits.burst = 5;
  World world({answer(200)}, limits);
  Calls calls;
  for (int i = 0; i < 45; ++i) calls.start(world, "/" + std::to_string(i));
  REQUIRE(test::run_until(world.io, world.clock, [&] { return calls.all_ended(); }));
  CHECK(world.sent_at(4) == 0ms);
  CHECK(world.sent_at(5) == 100ms);
  CHECK(world.sent_at(44) >= 4000ms);
  CHECK(world.sent_at(44) <= 4001ms);
}

TEST_CASE("waiting for a turn counts against the deadline, and what waited was not sent") {
  ApiLimits limits;
  limits.in_flight_max = 1;
  World world({answer(200)}, limits);
  world.network.latency = 20s;
  Calls calls;
  calls.start(world, "/slow");
  calls.start(world, "/waits", Repeatable::no, 5s);
  calls.start(world, "/next");
  REQUIRE(test::run_until(world.io, world.clock, [&] { return calls[1].outcome.has_value(); }));
  CHECK(world.since_start() == 5s);
  REQUIRE_FALSE(*calls[1].outcome);
  CHECK(calls[1].outcome->error().delivery == Delivery::not_sent);
  CHECK(calls[1].outcome->error().error_class == ErrorClass::transient);
  CHECK(calls[1].outcome->error().where == "POST kv1.vault.azure.net/waits");
  REQUIRE(test::run_until(world.io, world.clock, [&] { return calls.all_ended(); }));
  CHECK(targets(world) == std::vector<std::string>{"/slow", "/next"});
}

TEST_CASE("a cancelled call leaves the queue or gives back its place, and the next one goes") {
  ApiLimits limits;
  limits.in_flight_max = 1;
  World world({answer(200)}, limits);
  world.network.latency = 20s;
  Calls calls;
  for (auto const* target : {"/a", "/b", "/c"}) calls.start(world, target);
  test::run_ready(world.io);

  calls[1].stop.emit(asio::cancellation_type::terminal);  // in the queue
  test::run_ready(world.io);
  REQUIRE(calls[1].outcome.has_value());
  CHECK(calls[1].outcome->error().error_class == ErrorClass::cancelled);
  CHECK(calls[1].outcome->error().delivery == Delivery::not_sent);

  calls[0].stop.emit(asio::cancellation_type::terminal);  // on its way
  test::run_ready(world.io);
  REQUIRE(calls[0].outcome.has_value());
  CHECK(calls[0].outcome->error().error_class == ErrorClass::cancelled);
  CHECK(calls[0].outcome->error().delivery == Delivery::maybe_applied);

  REQUIRE(test::run_until(world.io, world.clock, [&] { return calls.all_ended(); }));
  CHECK((*calls[2].outcome)->status == 200);
  CHECK(targets(world) == std::vector<std::string>{"/a", "/c"});
  CHECK(world.clock.sleepers() == 0);
}

TEST_CASE("a call cancelled while it waits to be repeated ends at once") {
  World world({answer(503, "", {{"Retry-After", "100"}})});
  Calls calls;
  calls.start(world, "/a");
  test::run_ready(world.io);
  REQUIRE(world.network.sent().size() == 1);
  calls[0].stop.emit(asio::cancellation_type::terminal);
  test::run_ready(world.io);
  REQUIRE(calls[0].outcome.has_value());
  CHECK(calls[0].outcome->error().error_class == ErrorClass::cancelled);
  CHECK(world.since_start() == 0ms);
}

TEST_CASE("a world that ends in the middle leaves nothing behind") {
  ApiLimits limits;
  limits.in_flight_max = 2;
  auto world = std::make_unique<World>(std::deque<Result<HttpResponse>>{answer(200)}, limits);
  world->network.latency = 20s;
  Calls calls;
  for (int i = 0; i < 10; ++i) calls.start(*world, "/");
  test::run_ready(world->io);
  world.reset();
  CHECK_FALSE(calls.all_ended());
}

TEST_CASE("the provider's clock is compared with ours") {
  World world({answer(200, "", {{"Date", "Sun, 01 Mar 2026 12:03:20 GMT"}}),
               answer(200, "", {{"Date", "junk"}}),
               answer(200, "", {{"Date", "Sun, 01 Mar 2026 11:59:59 GMT"}})});
  std::vector<Instant> heard;
  world.client->when_date_is_read([&](DateReading const& reading) { heard.push_back(reading.date); });
  auto const offset = [&] { return clock_offset(world.client->last_date().value(), world.clock); };
  CHECK_FALSE(world.client->last_date());
  world.call(Repeatable::yes);
  CHECK(offset() == 200s);
  world.call(Repeatable::yes);
  CHECK(offset() == 200s);
  world.call(Repeatable::yes);
  CHECK(offset() == -1s);
  CHECK(heard.size() == 2);
  CHECK(world.client->counters().calls == 3);
}

TEST_CASE("HTTP dates are read strictly") {
  CHECK(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT") == parse_rfc3339("1994-11-06T08:49:37Z"));
  auto const bad =
      GENERATE(as<std::string>(), "", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
               "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 32 Nov 1994 08:49:37 GMT",
               "Sun, 06 Nov 1994 25:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT ", "2026-03-01T12:00:00Z");
  CAPTURE(bad);
  CHECK_FALSE(parse_http_date(bad));
}

TEST_CASE("Retry-After never becomes a negative or absurd wait") {
  CHECK(parse_retry_after("0", noon) == 0s);
  CHECK(parse_retry_after("120", noon) == 120s);
  CHECK(parse_retry_after("999999999", noon) == 86'400s);
  CHECK(parse_retry_after("Sun, 01 Mar 2026 11:00:00 GMT", noon) == 0s);
  CHECK(parse_retry_after("Sun, 01 Mar 2026 12:01:00 GMT", noon) == 60s);
  auto const bad = GENERATE(as<std::string>(), "", "-1", "1.5", "soon", "99999999999999999999", "1 s");
  CAPTURE(bad);
  CHECK_FALSE(parse_retry_after(bad, noon));
}
