#include "providers/azure/challenge.hpp"

#include <catch2/catch.hpp>

using namespace rekeyd;
using namespace rekeyd::providers;
using namespace rekeyd::providers::azure;

namespace {

constexpr char authority[] = "https://login.microsoftonline.com/0f0e0d0c-1111-4222-8333-444455556666";

Result<std::string> check(std::string const& header, std::string const& host = "pay.vault.azure.net") {
  Endpoint vault;
  vault.host = host;
  return check_challenge(header, vault, "login.microsoftonline.com", "GET x");
}

std::string challenge(std::string const& resource, std::string const& from = authority) {
  return "Bearer authorization=\"" + from + "\", resource=\"" + resource + "\"";
}

}  // namespace

TEST_CASE("a challenge of the vault's own names the resource") {
  auto const header = GENERATE(
      challenge("https://vault.azure.net"), challenge("https://vault.azure.net/"),
      challenge("https://VAULT.azure.net"),
      "bearer resource=\"https://vault.azure.net\",authorization_uri=\"" + std::string(authority) + "\"",
      "Bearer authorization=\"" + std::string(authority) + "\", scope=\"https://vault.azure.net/.default\"",
      "PoP, Bearer authorization=\"https://login.windows.net/t\", resource=\"https://vault.azure.net\", "
      "error=\"insufficient_claims\", claims=\"eyJ9\"");
  CAPTURE(header);
  auto const resource = check(header);
  REQUIRE(resource);
  CHECK(*resource == "https://vault.azure.net");
}

TEST_CASE("no token goes to a host that only ends like the resource") {
  auto const [header, host] = GENERATE(table<std::string, std::string>({
      {challenge("https://vault.azure.net"), "evilvault.azure.net"},
      {challenge("https://vault.azure.net"), "vault.azure.net"},
      {challenge("https://vault.azure.net"), "pay.vault.azure.net."},
      {challenge("https://vault.azure.net."), "pay.vault.azure.net"},
      {challenge("https://vault.azure.net"), "pay.managedhsm.azure.net"},
      {challenge("https://azure.net"), "pay.vault.azure.net"},
      {challenge("https://net"), "pay.vault.azure.net"},
      {challenge("http://vault.azure.net"), "pay.vault.azure.net"},
      {challenge("vault.azure.net"), "pay.vault.azure.net"},
      {challenge("https://management.azure.com"), "pay.vault.azure.net"},
      {challenge("https://vault.azure.net@evil.example"), "pay.vault.azure.net"},
      {challenge(""), "pay.vault.azure.net"},
  }));
  CAPTURE(header, host);
  auto const resource = check(header, host);
  REQUIRE_FALSE(resource);
  CHECK(resource.error().error_class == ErrorClass::access);
  CHECK_THAT(resource.error().what, Catch::Contains("not this vault's"));
}

TEST_CASE("an authority that is not the configured one is refused") {
  auto const from = GENERATE("https://login.evil.example/tenant", "http://login.microsoftonline.com/tenant",
                             "https://login.microsoftonline.com", "https://login.microsoftonline.com/",
                             "https://login.microsoftonline.com.evil.example/t",
                             "https://login.microsoftonline.com@evil.example/t", "");
  CAPTURE(from);
  auto const resource = check(challenge("https://vault.azure.net", from));
  REQUIRE_FALSE(resource);
  CHECK_THAT(resource.error().what, Catch::Contains("authority"));
}

TEST_CASE("a 401 without a challenge that can be read is malformed") {
  auto const* const header =
      GENERATE("", "Basic realm=\"x\"", "Bearer authorization=\"unfinished", "Bearer =,=", "Bearer \"\"",
               "Bearer resource=\"https://vault.azure.net\", resource=\"https://evil.example\"");
  CAPTURE(header);
  auto const resource = check(header);
  REQUIRE_FALSE(resource);
  CHECK(resource.error().error_class == ErrorClass::malformed);
}
