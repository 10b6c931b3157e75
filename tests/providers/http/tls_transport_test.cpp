#include "providers/http/tls_transport.hpp"

#include "providers/system/system_clock.hpp"
#include "tests/providers/http/raw_server.hpp"
#include "tests/support/run_coroutine.hpp"
#include "tests/support/temporary_folder.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <catch2/catch.hpp>
#include <openssl/ssl.h>

#include <set>
#include <thread>

using namespace rekeyd;
using namespace rekeyd::providers;
using namespace std::chrono_literals;
using test::http_answer;
using test::RawServer;
using Heard = RawServer::Heard;
using Said = RawServer::Said;
using Then = RawServer::Said::Then;
namespace asio = boost::asio;

namespace {

test::TestCa const& authority() {
  static test::TestCa const made;
  return made;
}

std::string const service = "kv1.vault.azure.net";

Said echo(Heard const& heard) {
  return {http_answer(heard.head.substr(0, heard.head.find(" HTTP")) + heard.body)};
}

RawServer::Behaviour always(std::string bytes, Then then = Then::listen) {
  return [bytes, then](Heard const&) { return Said{bytes, then}; };
}

// A server under a production name on a port of its own, and a transport that is diverted to it.
struct World {
  test::TemporaryFolder folder;
  RawServer server;
  std::unique_ptr<Clock> clock{make_system_clock()};
  asio::io_context io{1};
  std::unique_ptr<HttpTransport> transport;

  explicit World(RawServer::Behaviour behaviour, RawServer::Options options = {},
                 TlsTransportOptions ours = {}, std::string const& trusted = authority().certificate_pem(),
                 test::Leaf const& leaf = authority().issue({service, "localhost", "127.0.0.1"}))
      : server(leaf, std::move(behaviour), options) {
    ours.ca_file = folder.write("ca.pem", trusted);
    ours.connect_to[service + ":443"] = "127.0.0.1:" + server.port();
    transport = make_tls_transport(io.get_executor(), *clock, ours).value();
  }
  ~World() { transport.reset(); }

  static HttpRequest request(std::string method, std::string target = "/keys", std::string_view body = {}) {
    HttpRequest wanted;
    wanted.method = std::move(method);
    wanted.endpoint.host = service;
    wanted.target = std::move(target);
    wanted.body = Body(body);
    return wanted;
  }
  HttpRequest plain_request(std::string method) {
    auto wanted = request(std::move(method));
    wanted.endpoint.host = "127.0.0.1";
    wanted.endpoint.port = server.port();
    wanted.endpoint.https = false;
    return wanted;
  }
  Result<HttpResponse> send(HttpRequest wanted, std::chrono::milliseconds patience = 20s) {
    return test::run_coroutine(io, transport->exchange(std::move(wanted), clock->mono_now() + patience));
  }
  Error fail(HttpRequest wanted, std::chrono::milliseconds patience = 20s) {
    auto outcome = send(std::move(wanted), patience);
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().where.find("/keys") != std::string::npos);
    return outcome.error();
  }
};

bool mentions(Error const& error, std::string_view words) {
  return error.what.find(words) != std::string::npos;
}

}  // namespace

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

TEST_CASE("a certificate that cannot be trusted is refused, with the reason, before anything is sent") {
  struct Case {
    char const* reason;
    std::string trusted;
    test::Leaf leaf;
  };
  test::TestCa const other;  // of the same name, which is where OpenSSL's own text misleads
  std::vector<Case> const cases{
      {"unable to get local issuer", other.certificate_pem(), authority().issue({service})},
      {"ostname mismatch", authority().certificate_pem(), authority().issue({"kv2.vault.azure.net"})},
      {"has expired", authority().certificate_pem(), authority().issue({service}, -1)},
  };
  for (auto const& [reason, trusted, leaf] : cases) {
    CAPTURE(reason);
    World world(echo, {}, {}, trusted, leaf);
    auto const error = world.fail(World::request("POST"));
    CAPTURE(error.what);
    CHECK(error.error_class == ErrorClass::access);
    CHECK(error.delivery == Delivery::not_sent);
    CHECK(mentions(error, "certificate of kv1.vault.azure.net is not trusted"));
    CHECK(mentions(error, reason));
    CHECK_FALSE(error.remedy.empty());
    CHECK(world.server.seen().requests == 0);
  }
}

TEST_CASE("one certificate serves its several names, and SNI and address names are checked") {
  World world(echo, {}, {}, authority().certificate_pem(),
              authority().issue({"elsewhere.example", "127.0.0.1"}));
  auto wanted = World::request("GET");
  wanted.endpoint.host = "127.0.0.1";
  wanted.endpoint.port = world.server.port();
  CHECK(world.send(wanted));
}

TEST_CASE("TLS older than 1.2 is refused") {
  RawServer::Options old;
  old.tls_version_max = TLS1_1_VERSION;
  World world(echo, old);
  auto const error = world.fail(World::request("GET"));
  CHECK(error.error_class == ErrorClass::access);
  CHECK(error.delivery == Delivery::not_sent);
}

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

TEST_CASE("an answer cut short is a lost answer, never a short body, even for a GET on a reused connection") {
  auto const then = GENERATE(Then::cut_off, Then::close_politely);
  auto const cut = GENERATE(5u, 30u, 44u);
  World world([=](Heard const& heard) {
    auto const whole = http_answer("0123456789");
    return heard.request == 1 ? Said{whole} : Said{whole.substr(0, cut), then};
  });
  REQUIRE(world.send(World::request("GET")));
  auto const error = world.fail(World::request("GET"));
  CHECK(error.error_class == ErrorClass::transient);
  CHECK(error.delivery == Delivery::maybe_applied);
  CHECK(world.server.seen().requests == 2);
}

TEST_CASE("an answer of ten megabytes is malformed, and the error names the limit") {
  auto const chunked = GENERATE(false, true);
  std::string const body(10 << 20, 'x');
  World world(always(chunked ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nA00000\r\n" + body +
                                   "\r\n0\r\n\r\n"
                             : http_answer(body)));
  auto const error = world.fail(World::request("GET"));
  CHECK(error.error_class == ErrorClass::malformed);
  CHECK(error.delivery == Delivery::maybe_applied);
  CHECK(mentions(error, "8388608 bytes"));
}

TEST_CASE("an answer within the limit is read whole, and so is a head of 60 kilobytes") {
  std::string const body(5 << 20, 'x');
  World world(always(http_answer(body, "Link: " + std::string(60 << 10, 'y') + "\r\n")));
  auto const answer = world.send(World::request("GET"));
  REQUIRE(answer);
  CHECK(answer->body.size() == body.size());
  CHECK(answer->header("link").size() == 60 << 10);
}

TEST_CASE("a huge head is malformed, and the error names the limit") {
  World world(always(http_answer("x", "Link: " + std::string(70 << 10, 'y') + "\r\n")));
  auto const error = world.fail(World::request("GET"));
  CHECK(error.error_class == ErrorClass::malformed);
  CHECK(mentions(error, "65536 bytes"));
}

TEST_CASE("garbage instead of HTTP is malformed") {
  auto const garbage =
      GENERATE(as<std::string>(), "220 smtp.example ready\r\n\r\n", "<html><body>hello</body></html>\r\n\r\n",
               "HTTP/9.9 200 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n",
               "HTTP/1.1 200 OK\r\nContent-Length: minus one\r\n\r\n",
               "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
               "HTTP/1.1 200 OK\r\nno colon here\r\n\r\n");
  CAPTURE(garbage);
  World world(always(garbage, Then::hang));
  auto const error = world.fail(World::request("GET"));
  CHECK(error.error_class == ErrorClass::malformed);
  CHECK(error.delivery == Delivery::maybe_applied);
  CHECK(mentions(error, "not HTTP"));
}

TEST_CASE("a web page is an answer like any other here") {
  World world(always(http_answer("<html>down</html>", "Content-Type: text/html\r\n", "502 Bad Gateway")));
  auto const answer = world.send(World::request("GET"));
  REQUIRE(answer);
  CHECK(answer->status == 502);
  CHECK(answer->header("content-type") == "text/html");
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

TEST_CASE("a body that ends with the connection is whole only after a polite goodbye") {
  World polite(always("HTTP/1.1 200 OK\r\n\r\nall of it", Then::close_politely));
  auto const answer = polite.send(World::request("GET"));
  REQUIRE(answer);
  CHECK(std::string_view(answer->body) == "all of it");
  World rude(always("HTTP/1.1 200 OK\r\n\r\nall of it", Then::cut_off));
  CHECK(rude.fail(World::request("GET")).error_class == ErrorClass::transient);
}

TEST_CASE("idle connections beyond the cap or the age are dropped") {
  TlsTransportOptions options;
  options.idle_max = 0s;
  World world(echo, {}, options);
  REQUIRE(world.send(World::request("GET")));
  REQUIRE(world.send(World::request("GET")));
  CHECK(world.server.seen().connections == 2);
}

TEST_CASE("a session is resumed on the next connection to the same service") {
  auto const version = GENERATE(0, TLS1_2_VERSION);
  RawServer::Options options;
  options.tls_version_max = version;
  World world(always(http_answer("x", "Connection: close\r\n")), options);
  for (int i = 0; i < 3; ++i) REQUIRE(world.send(World::request("GET")));
  CHECK(world.server.seen().connections == 3);
  CHECK(world.server.seen().resumed == 2);
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

TEST_CASE("closing says goodbye on every idle connection") {
  World world(echo);
  for (int round = 0; round < 2; ++round) {
    REQUIRE(world.send(World::request("GET")));
    test::run_coroutine(world.io, world.transport->close());
    REQUIRE(world.server.wait_until([&](auto const& seen) { return seen.goodbyes == round + 1; }));
  }
  CHECK(world.server.seen().connections == 2);
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

TEST_CASE("a transport that cannot have its authorities is an error that names the file") {
  test::TemporaryFolder const folder;
  asio::io_context io;
  auto const clock = make_system_clock();
  TlsTransportOptions options;
  options.ca_file = (folder.path() / "absent.pem").string();
  auto const absent = make_tls_transport(io.get_executor(), *clock, options);
  REQUIRE_FALSE(absent);
  CHECK(absent.error().where == options.ca_file);
  CHECK_FALSE(absent.error().remedy.empty());
  options.ca_file = folder.write("junk.pem", "not a certificate").string();
  CHECK_FALSE(make_tls_transport(io.get_executor(), *clock, options));
  options.ca_file.clear();
  options.connect_to["kv1.vault.azure.net:443"] = "127.0.0.1";
  CHECK_FALSE(make_tls_transport(io.get_executor(), *clock, options));
}
