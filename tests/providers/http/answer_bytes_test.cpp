// Answers that are cut short, too large or no HTTP.
#include "tests/providers/http/diverted_service.hpp"

#include <catch2/catch.hpp>

using namespace rekeyd;
using namespace rekeyd::providers;
using test::always;
using test::http_answer;
using test::mentions;
using test::RawServer;
using World = test::DivertedService;
using Heard = RawServer::Heard;
using Said = RawServer::Said;
using Then = RawServer::Said::Then;

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

TEST_CASE("a body that ends with the connection is whole only after a polite goodbye") {
  World polite(always("HTTP/1.1 200 OK\r\n\r\nall of it", Then::close_politely));
  auto const answer = polite.send(World::request("GET"));
  REQUIRE(answer);
  CHECK(std::string_view(answer->body) == "all of it");
  World rude(always("HTTP/1.1 200 OK\r\n\r\nall of it", Then::cut_off));
  CHECK(rude.fail(World::request("GET")).error_class == ErrorClass::transient);
}
