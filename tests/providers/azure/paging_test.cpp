#include "providers/azure/paging.hpp"

#include <catch2/catch.hpp>

using namespace rekeyd;
using namespace rekeyd::providers;
using namespace rekeyd::providers::azure;

namespace {

Endpoint vault(std::string port = "443") {
  Endpoint endpoint;
  endpoint.host = "pay.vault.azure.net";
  endpoint.port = std::move(port);
  return endpoint;
}

}  // namespace

TEST_CASE("a nextLink becomes the target of the next request, its token byte for byte") {
  auto const [link, target] = GENERATE(table<std::string, std::string>({
      // As Key Vault writes it: with :443 and api-version.
      {"https://pay.vault.azure.net:443/keys?api-version=7.5&$skiptoken=eyJ-_%2B%3d&maxresults=25",
       "/keys?api-version=7.5&$skiptoken=eyJ-_%2B%3d&maxresults=25"},
      // As Managed HSM does: without.
      {"https://pay.vault.azure.net/keys/cmk/versions?maxresults=5&$skiptoken=a%20b",
       "/keys/cmk/versions?maxresults=5&$skiptoken=a%20b&api-version=7.5"},
      {"https://PAY.vault.azure.net/keys", "/keys?api-version=7.5"},
      {"https://pay.vault.azure.net/keys?API-Version=7.4", "/keys?API-Version=7.4"},
  }));
  auto const next = next_page_target(link, vault(), "7.5", "GET x");
  REQUIRE(next);
  CHECK(*next == target);
}

TEST_CASE("the vault's own port may stand in a nextLink") {
  CHECK(next_page_target("https://pay.vault.azure.net:8443/keys?a=b", vault("8443"), "7.5", ""));
  CHECK_FALSE(next_page_target("https://pay.vault.azure.net:8443/keys?a=b", vault(), "7.5", ""));
}

TEST_CASE("a nextLink that leads elsewhere is refused") {
  auto const [link, words] = GENERATE(table<std::string, std::string>({
      {"https://evil.example/keys?x=1", "another host"},
      {"https://pay.vault.azure.net.evil.example/keys", "another host"},
      {"https://evil.vault.azure.net/keys", "another host"},
      {"https://pay.vault.azure.net./keys", "another host"},
      {"http://pay.vault.azure.net/keys", "not https"},
      {"https://pay.vault.azure.net@evil.example/keys", "user name"},
      {"https://pay.vault.azure.net:444/keys", "another port"},
      {"https://pay.vault.azure.net/secrets?x=1", "out of /keys"},
      {"https://pay.vault.azure.net/keysmith", "out of /keys"},
      {"https://pay.vault.azure.net/keyS?x=1", "out of /keys"},
      {"https://pay.vault.azure.net/keys/../secrets", "out of /keys"},
      {"https://pay.vault.azure.net/keys/%2e%2e/secrets", "out of /keys"},
      {"/keys?$skiptoken=1", "not a URL"},
      {"next", "not a URL"},
      {"https://pay.vault.azure.net/keys?a b", "not a URL"},
  }));
  CAPTURE(link);
  auto const next = next_page_target(link, vault(), "7.5", "GET x");
  REQUIRE_FALSE(next);
  CHECK(next.error().error_class == ErrorClass::malformed);
  CHECK_THAT(next.error().what, Catch::Contains(words));
}

TEST_CASE("another collection is followed by the same rules, under its own root") {
  auto const follow = [](std::string const& link) {
    return next_page_target(link, vault(), "2023-10-02", "GET x", "/subscriptions");
  };
  CHECK(follow("https://pay.vault.azure.net/subscriptions/s/x?$skiptoken=1").value() ==
        "/subscriptions/s/x?$skiptoken=1&api-version=2023-10-02");
  CHECK_FALSE(follow("https://pay.vault.azure.net/keys?$skiptoken=1"));
  CHECK_FALSE(follow("https://pay.vault.azure.net/subscriptionsX/s"));
}
