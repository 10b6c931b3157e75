// Whom the transport trusts.
#include "tests/providers/http/diverted_service.hpp"

#include <catch2/catch.hpp>
#include <openssl/ssl.h>

using namespace rekeyd;
using namespace rekeyd::providers;
using test::always;
using test::authority;
using test::echo;
using test::http_answer;
using test::mentions;
using test::RawServer;
using test::service;
using World = test::DivertedService;
namespace asio = boost::asio;

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

TEST_CASE("a session is resumed on the next connection to the same service") {
  auto const version = GENERATE(0, TLS1_2_VERSION);
  RawServer::Options options;
  options.tls_version_max = version;
  World world(always(http_answer("x", "Connection: close\r\n")), options);
  for (int i = 0; i < 3; ++i) REQUIRE(world.send(World::request("GET")));
  CHECK(world.server.seen().connections == 3);
  CHECK(world.server.seen().resumed == 2);
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
