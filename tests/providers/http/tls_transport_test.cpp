// Requests and their answers over TLS, and what never gets that far.
#include "tests/providers/http/diverted_service.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <catch2/catch.hpp>

#include <set>
#include <thread>

using namespace rekeyd;
using namespace rekeyd::providers;
using namespace std::chrono_literals;
using test::always;
using test::echo;
using test::http_answer;
using test::mentions;
using test::RawServer;
using World = test::DivertedService;
using Heard = RawServer::Heard;
using Said = RawServer::Said;
using Then = RawServer::Said::Then;
namespace asio = boost::asio;

TEST_CASE("requests share a kept-alive connection and arrive as they were meant") {
  std::vector<std::string> heads;
  World world([&](Heard const& heard) {
    heads.push_back(heard.head);
    return echo(heard);
  });
  auto get = World::request("GET", "/keys?api-version=7.4");
  get.headers = {{"Authorization", "Bearer t"}};
  auto const first = world.send(get);
  REQUIRE(first);
  CHECK(first->status == 200);
  CHECK(std::string_view(first->body) == "GET /keys?api-version=7.4");
  auto const second = world.send(World::request("POST", "/keys/k1/rotate", R"({"a":1})"));
  REQUIRE(second);
  CHECK(std::string_view(second->body) == R"(POST /keys/k1/rotate{"a":1})");
  CHECK(world.server.seen().connections == 1);
  CHECK(world.server.seen().requests == 2);
  CHECK(
      heads.at(0) ==
      "GET /keys?api-version=7.4 HTTP/1.1\r\nHost: kv1.vault.azure.net\r\nUser-Agent: rekeyd/" REKEYD_VERSION
      "\r\nAuthorization: Bearer t\r\n\r\n");
  CHECK(heads.at(1).find("Content-Length: 7\r\n") != std::string::npos);
}

TEST_CASE("a POST without a body says so, and a HEAD reads no body") {
  World world([](Heard const& heard) {
    bool const empty_post = heard.head.find("Content-Length: 0\r\n") != std::string::npos;
    if (heard.head.starts_with("HEAD")) return Said{"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n"};
    return Said{http_answer(empty_post ? "empty" : "unknown")};
  });
  CHECK(std::string_view(world.send(World::request("POST"))->body) == "empty");
  CHECK(world.send(World::request("HEAD"))->header("content-length") == "12");
  CHECK(std::string_view(world.send(World::request("POST"))->body) == "empty");
  CHECK(world.server.seen().connections == 1);
}

TEST_CASE("chunked answers, interim answers and answers without a body are whole") {
  World world([](Heard const& heard) {
    switch (heard.request) {
      case 1:
        return Said{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"};
      case 2:
        return Said{"HTTP/1.1 100 Continue\r\n\r\n" + http_answer("real")};
      default:
        return Said{"HTTP/1.1 204 No Content\r\n\r\n"};
    }
  });
  CHECK(std::string_view(world.send(World::request("GET"))->body) == "abcde");
  CHECK(std::string_view(world.send(World::request("GET"))->body) == "real");
  CHECK(world.send(World::request("GET"))->status == 204);
  CHECK(world.server.seen().connections == 1);
}

TEST_CASE("plain http is spoken only to endpoints that say so") {
  RawServer::Options plain;
  plain.tls = false;
  World world(echo, plain);
  auto const answer = world.send(world.plain_request("GET"));
  REQUIRE(answer);
  CHECK(std::string_view(answer->body) == "GET /keys");
  auto const secure = world.fail(World::request("GET"), 200ms);
  CHECK(secure.delivery == Delivery::not_sent);
}

TEST_CASE("a peer that does not speak TLS is malformed, and nothing was sent") {
  RawServer::Options chatty;
  chatty.tls = false;
  chatty.greeting = "220 smtp.example ready\r\n";
  World world(echo, chatty);
  auto const error = world.fail(World::request("GET"));
  CHECK(error.error_class == ErrorClass::malformed);
  CHECK(error.delivery == Delivery::not_sent);
  CHECK(mentions(error, "does not speak TLS"));
}

TEST_CASE("an answer slower than the deadline may have been applied, and the deadline is kept") {
  World world(always("", Then::hang));
  auto const begun = world.clock->mono_now();
  auto const error = world.fail(World::request("POST"), 150ms);
  CHECK(error.error_class == ErrorClass::transient);
  CHECK(error.delivery == Delivery::maybe_applied);
  CHECK(mentions(error, "deadline"));
  CHECK(world.clock->mono_now() - begun < 5s);
}

TEST_CASE("a peer that never finishes the handshake runs into the deadline, and nothing was sent") {
  RawServer::Options mute;
  mute.mute = true;
  World world(echo, mute);
  auto const error = world.fail(World::request("POST"), 150ms);
  CHECK(error.error_class == ErrorClass::transient);
  CHECK(error.delivery == Delivery::not_sent);
}

TEST_CASE("nobody listening is told at once") {
  asio::io_context io;
  asio::ip::tcp::acceptor closed(io, asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  auto const port = std::to_string(closed.local_endpoint().port());
  closed.close();
  World world(echo);
  auto wanted = World::request("POST");
  wanted.endpoint.host = "127.0.0.1";
  wanted.endpoint.port = port;
  auto const error = world.fail(wanted);
  CHECK(error.error_class == ErrorClass::transient);
  CHECK(error.delivery == Delivery::not_sent);
  CHECK(mentions(error, "cannot connect to 127.0.0.1 port " + port));
}

TEST_CASE("a name without an address is a transient error that names it") {
  World world(echo);
  auto wanted = World::request("GET");
  wanted.endpoint.host = "no-such-host.invalid";
  auto const error = world.fail(wanted);
  CHECK(error.error_class == ErrorClass::transient);
  CHECK(error.delivery == Delivery::not_sent);
  CHECK(mentions(error, "no-such-host.invalid"));
}

TEST_CASE("a cancelled caller stops its request at once and learns how far it went") {
  World world(always("", Then::hang));
  asio::cancellation_signal stop;
  std::optional<Result<HttpResponse>> outcome;
  asio::co_spawn(
      world.io, world.transport->exchange(World::request("POST"), world.clock->mono_now() + 60s),
      asio::bind_cancellation_slot(stop.slot(), [&](std::exception_ptr thrown, Result<HttpResponse> ended) {
        if (!thrown) outcome = std::move(ended);
      }));
  // Its thread tells us when the request is there: a handler of ours makes run_until look.
  std::thread told([&] {
    (void)world.server.wait_until([](auto const& seen) { return seen.requests == 1; });
    asio::post(world.io, [&] { stop.emit(asio::cancellation_type::terminal); });
  });
  auto const begun = world.clock->mono_now();
  CHECK(test::run_until(world.io, [&] { return outcome.has_value(); }));
  told.join();
  REQUIRE(outcome.has_value());
  REQUIRE_FALSE(outcome->has_value());
  CHECK(outcome->error().error_class == ErrorClass::cancelled);
  CHECK(outcome->error().delivery == Delivery::maybe_applied);
  CHECK(world.clock->mono_now() - begun < 20s);
}

TEST_CASE("fifty requests at once are answered, each with its own answer, and their connections are reused") {
  TlsTransportOptions options;
  options.idle_connections_max = 64;
  World world(echo, {}, options);
  for (int round = 0; round < 2; ++round) {
    std::set<std::string> answers;
    int ended = 0;
    for (int i = 0; i < 50; ++i) {
      asio::co_spawn(world.io,
                     world.transport->exchange(World::request("GET", "/keys/" + std::to_string(i)),
                                               world.clock->mono_now() + 60s),
                     [&](std::exception_ptr thrown, Result<HttpResponse> outcome) {
                       ++ended;
                       if (!thrown && outcome) answers.insert(std::string(std::string_view(outcome->body)));
                     });
    }
    REQUIRE(test::run_until(world.io, [&] { return ended == 50; }));
    CHECK(answers.size() == 50);
  }
  CHECK(world.server.seen().connections == 50);
  CHECK(world.server.seen().requests == 100);
}

TEST_CASE("a request that could become two is not sent") {
  World world(echo);
  auto injected = World::request("GET");
  injected.headers = {{"Authorization", "Bearer t\r\nX-Evil: yes"}};
  auto spaced = World::request("GET", "/keys/a b");
  auto broken = World::request("GET", "/keys/a\r\nHost: evil");
  auto word = World::request("GET /keys HTTP/1.1\r\n");
  auto host = World::request("GET");
  host.endpoint.host = "kv1.vault.azure.net\r\nX-Evil: yes";
  for (auto const& wanted : {injected, spaced, broken, word, host}) {
    auto const outcome = world.send(wanted);
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().error_class == ErrorClass::permanent);
    CHECK(outcome.error().delivery == Delivery::not_sent);
    CHECK(to_text(outcome.error()).find("Bearer") == std::string::npos);
  }
  CHECK(world.server.seen().connections == 0);
}
