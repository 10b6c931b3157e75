// Which connections are used again, and what a lost one means for the request on it.
#include "tests/providers/http/diverted_service.hpp"

#include <catch2/catch.hpp>

using namespace rekeyd;
using namespace rekeyd::providers;
using namespace std::chrono_literals;
using test::always;
using test::echo;
using test::http_answer;
using test::RawServer;
using test::service;
using World = test::DivertedService;
using Heard = RawServer::Heard;
using Said = RawServer::Said;
using Then = RawServer::Said::Then;

TEST_CASE(
    "an idle connection that the service closed, politely or rudely, is replaced before anything is risked") {
  auto const then = GENERATE(Then::close_politely, Then::cut_off);
  auto const method = GENERATE(as<std::string>(), "GET", "POST");
  World world([then](Heard const& heard) {
    return Said{http_answer("x"), heard.connection == 1 ? then : Then::listen};
  });
  REQUIRE(world.send(World::request("GET")));
  // A polite server waits for our goodbye first; its own is then already on its way.
  if (then == Then::cut_off)
    REQUIRE(world.server.wait_until([](auto const& seen) { return seen.ended == 1; }));
  auto const again = world.send(World::request(method));
  if (then == Then::close_politely && method == "POST" && !again) {
    // Its goodbye can still be on the way when we look; then the truth is that nobody knows.
    CHECK(again.error().delivery == Delivery::maybe_applied);
    return;
  }
  REQUIRE(again);
  CHECK(world.server.seen().connections == 2);
}

TEST_CASE(
    "a reused connection that dies under a request: a GET goes out once more, a POST may have been applied") {
  auto const dies = [](Heard const& heard) {
    return heard.connection == 1 && heard.request == 2 ? Said{"", Then::cut_off} : Said{http_answer("x")};
  };
  World reading(dies);
  REQUIRE(reading.send(World::request("GET")));
  CHECK(reading.send(World::request("GET")));
  CHECK(reading.server.seen().requests == 3);
  CHECK(reading.server.seen().connections == 2);

  World writing(dies);
  REQUIRE(writing.send(World::request("POST")));
  auto const error = writing.fail(World::request("POST"));
  CHECK(error.error_class == ErrorClass::transient);
  CHECK(error.delivery == Delivery::maybe_applied);
  CHECK(writing.server.seen().requests == 2);
}

TEST_CASE("a fresh connection that dies under a request is not tried again, whatever the method") {
  World world(always("", Then::cut_off));
  auto const method = GENERATE(as<std::string>(), "GET", "POST");
  auto const error = world.fail(World::request(method));
  CHECK(error.error_class == ErrorClass::transient);
  CHECK(error.delivery == Delivery::maybe_applied);
  CHECK(world.server.seen().requests == 1);
}

TEST_CASE("a connection is not kept after Connection: close, HTTP/1.0 or bytes that nobody asked for") {
  auto const bytes =
      GENERATE(as<std::string>(), http_answer("x", "Connection: close\r\n"),
               "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", http_answer("x") + "HTTP/1.1 200 OK\r\n\r\n");
  World world(always(bytes));
  for (int i = 0; i < 2; ++i) {
    auto const answer = world.send(World::request("GET"));
    REQUIRE(answer);
    CHECK(std::string_view(answer->body) == "x");
  }
  CHECK(world.server.seen().connections == 2);
}

TEST_CASE("idle connections beyond the cap or the age are dropped") {
  TlsTransportOptions options;
  options.idle_max = 0s;
  World world(echo, {}, options);
  REQUIRE(world.send(World::request("GET")));
  REQUIRE(world.send(World::request("GET")));
  CHECK(world.server.seen().connections == 2);
}

TEST_CASE("closing says goodbye on every idle connection") {
  World world(echo);
  for (int round = 0; round < 2; ++round) {
    REQUIRE(world.send(World::request("GET")));
    test::run_coroutine(world.io, world.transport->close());
    REQUIRE(world.server.wait_until([&](auto const& seen) { return seen.goodbyes == round + 1; }));
  }
  CHECK(world.server.seen().connections == 2);
}
