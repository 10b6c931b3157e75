// The metadata service over a real connection: in clear, at its own address, and diverted to a server of the
// test.
#include "providers/auth/managed_identity.hpp"
#include "tests/providers/http/diverted_service.hpp"
#include "tests/support/seeded_random.hpp"

#include <catch2/catch.hpp>

using namespace rekeyd;
using namespace rekeyd::providers;
using test::DivertedService;
using test::RawServer;

TEST_CASE("a token of the machine's identity comes over plain http and the daemon's own transport") {
  std::vector<std::string> heads;
  RawServer::Options plain;
  plain.tls = false;
  DivertedService machine(
      [&heads](RawServer::Heard const& heard) {
        heads.push_back(heard.head);
        bool const probe = heard.head.find("Metadata: true\r\n") == std::string::npos;
        if (probe) return RawServer::Said{test::http_answer("{}", {}, "400 Bad Request")};
        return RawServer::Said{test::http_answer(R"({"access_token":"eyJ0","expires_in":"86399"})")};
      },
      plain);
  TlsTransportOptions ours;
  ours.connect_to["169.254.169.254:80"] = "127.0.0.1:" + machine.server.port();
  DivertedService daemon(test::echo, {}, ours);
  test::SeededRandom random{1};
  ApiLimits const limits{.tries_max = 1};
  auto const api = make_api_client(*daemon.transport, *daemon.clock, random, limits);
  auto const source = make_instance_identity(*api, *daemon.clock, {});
  auto const deadline = daemon.clock->mono_now() + std::chrono::seconds(20);
  auto const token =
      test::run_coroutine(daemon.io, source->token("https://vault.azure.net/.default", deadline));
  REQUIRE(token);
  CHECK((*token)->bearer.reveal() == "eyJ0");
  REQUIRE(heads.size() == 2);
  CHECK(heads[1].starts_with(
      "GET /metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2F"
      "vault.azure.net HTTP/1.1\r\nHost: 169.254.169.254\r\n"));
}
