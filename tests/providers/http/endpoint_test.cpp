#include "providers/http/transport.hpp"

#include <catch2/catch.hpp>

using namespace rekeyd;
using namespace rekeyd::providers;

TEST_CASE("an endpoint is scheme, host and port, and leaves out its scheme's own port") {
  auto const vault = Endpoint::parse("https://Payments-EU.vault.azure.net/");
  REQUIRE(vault);
  CHECK(vault->host == "payments-eu.vault.azure.net");
  CHECK(vault->port == "443");
  CHECK(vault->https);
  CHECK(vault->text() == "https://payments-eu.vault.azure.net");
  CHECK(vault->host_header() == "payments-eu.vault.azure.net");

  auto const hpcs = Endpoint::parse("https://api.us-south.hs-crypto.cloud.ibm.com:08231");
  REQUIRE(hpcs);
  CHECK(hpcs->text() == "https://api.us-south.hs-crypto.cloud.ibm.com:8231");
  CHECK(hpcs->host_header() == "api.us-south.hs-crypto.cloud.ibm.com:8231");

  auto const metadata = Endpoint::parse("http://169.254.169.254");
  REQUIRE(metadata);
  CHECK_FALSE(metadata->https);
  CHECK(metadata->port == "80");
  CHECK(metadata->text() == "http://169.254.169.254");
}

TEST_CASE("what is more or less than an endpoint is refused") {
  auto const bad =
      GENERATE(as<std::string>(), "", "vault.azure.net", "https://", "https:///", "ftp://vault.azure.net",
               "https://vault.azure.net/api/v2", "https://vault.azure.net?x", "https://vault.azure.net/#a",
               "https://user@vault.azure.net", "https://vault.azure.net.", "https://vault.azure.net:0",
               "https://vault.azure.net:99999", "https://va ult.azure.net", "https://vault%2eazure.net");
  CAPTURE(bad);
  auto const parsed = Endpoint::parse(bad);
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().error_class == ErrorClass::permanent);
  CHECK(parsed.error().where == bad);
  CHECK_FALSE(parsed.error().remedy.empty());
}

TEST_CASE("a response's header is found whatever its case") {
  HttpResponse response;
  response.headers = {{"Retry-After", "3"}, {"retry-after", "4"}};
  CHECK(response.header("RETRY-after") == "3");
  CHECK(response.header("Date").empty());
}
