#include "providers/auth/key_vault_challenge.hpp"

#include <catch2/catch.hpp>

using namespace rekeyd;
using namespace rekeyd::providers;

namespace {

std::string const tenant = "11111111-2222-3333-4444-555555555555";

std::string header(std::string const& authority, std::string const& resource) {
  return "Bearer authorization=\"" + authority + "\", resource=\"" + resource + "\"";
}

Endpoint vault(std::string host) {
  Endpoint endpoint;
  endpoint.host = std::move(host);
  return endpoint;
}

TrustedAuthority trusted() {
  TrustedAuthority authority;
  authority.authority = vault("login.microsoftonline.com");
  authority.tenant = tenant;
  authority.aliases = {"login.windows.net", "login.microsoft.com", "sts.windows.net"};
  authority.resource = "https://vault.azure.net";
  return authority;
}

Result<void> verify(std::string const& text, Endpoint const& asked, TrustedAuthority const& by = trusted()) {
  auto const challenge = parse_key_vault_challenge(text);
  REQUIRE(challenge.has_value());
  return verify_key_vault_challenge(*challenge, asked, by);
}

}  // namespace

TEST_CASE("a vault's challenge is read in every spelling") {
  auto const text = GENERATE_COPY(
      as<std::string>(), header("https://login.microsoftonline.com/" + tenant, "https://vault.azure.net"),
      "bearer resource=\"https://vault.azure.net/\",authorization_uri=\"https://login.microsoftonline.com/" +
          tenant + "\"",
      "Bearer  Authorization = \"https://login.microsoftonline.com/" + tenant +
          "/\" , scope=\"https://vault.azure.net/.default\", error=\"insufficient_claims\", claims=\"eyJ9\"",
      "PoP nonce=\"a, b\", Bearer authorization=\"https://login.microsoftonline.com/" + tenant +
          "\", resource=https://vault.azure.net",
      header("https://LOGIN.microsoftonline.com/" + tenant, "https://vault.azure.net") + ", PoP nonce=\"x\"");
  CAPTURE(text);
  auto const challenge = parse_key_vault_challenge(text);
  REQUIRE(challenge.has_value());
  CHECK(challenge->authority.text() == "https://login.microsoftonline.com");
  CHECK(challenge->tenant == tenant);
  CHECK(challenge->resource == "https://vault.azure.net");
  CHECK(verify(text, vault("kv1.vault.azure.net")).has_value());
}

TEST_CASE("what is no challenge is malformed") {
  auto const text = GENERATE(
      as<std::string>(), "", "Bearer", "Bearer ", "Basic realm=\"x\"", "Bearer realm",
      "Bearer authorization=\"https://login.microsoftonline.com/t\"",
      "Bearer resource=\"https://vault.azure.net\"",
      "Bearer authorization=\"https://login.microsoftonline.com/t, resource=\"https://vault.azure.net\"",
      "Bearer authorization=\"https://login.microsoftonline.com\", resource=\"https://vault.azure.net\"",
      "Bearer authorization=\"https://login.microsoftonline.com/\", resource=\"https://vault.azure.net\"",
      "Bearer authorization=\"login.microsoftonline.com/t\", resource=\"https://vault.azure.net\"",
      "Bearer authorization=\"https://u@login.microsoftonline.com/t\", resource=\"https://vault.azure.net\"",
      "Bearer authorization=\"ftp://login.microsoftonline.com/t\", resource=\"https://vault.azure.net\"",
      "Bearerauthorization=\"https://login.microsoftonline.com/t\", resource=\"https://vault.azure.net\"",
      "Bearer =\"x\"", "Bearer \"x\"", std::string(100'000, '"'), std::string(100'000, ','));
  CAPTURE(text.substr(0, 120));
  auto const challenge = parse_key_vault_challenge(text);
  REQUIRE_FALSE(challenge.has_value());
  CHECK(challenge.error().error_class == ErrorClass::malformed);
}

TEST_CASE("a token is sent only below the resource's host, label by label") {
  auto const good = header("https://login.microsoftonline.com/" + tenant, "https://vault.azure.net");
  CHECK(verify(good, vault("kv1.vault.azure.net")).has_value());
  auto pools = trusted();
  pools.resource = "https://managedhsm.azure.net";
  auto const pool = header("https://login.microsoftonline.com/" + tenant, pools.resource);
  CHECK(verify(pool, vault("hsm1.eastus.managedhsm.azure.net"), pools).has_value());
  CHECK_FALSE(verify(pool, vault("hsm1.managedhsm.azure.net")).has_value());
  auto const evil = GENERATE(as<std::string>(), "evilvault.azure.net", "vault.azure.net", ".vault.azure.net",
                             "kv1.vault.azure.net.", "kv1.vault.azure.net.evil.example",
                             "kv1.vault.azure.com", "kv1.managedhsm.azure.net", "localhost", "");
  CAPTURE(evil);
  auto const refused = verify(good, vault(evil));
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().error_class == ErrorClass::access);
  CHECK_FALSE(refused.error().remedy.empty());
}

TEST_CASE("a resource that is no service's domain is refused") {
  auto const resource =
      GENERATE(as<std::string>(), "https://net", "https://azure", "http://vault.azure.net", "vault.azure.net",
               "https://vault.azure.net.", "https://.azure.net", "https://vault.azure.net/x",
               "https://vault.azure.net@evil.example", "https://evil.example", "https://*.azure.net",
               "https://azure.net", "https://managedhsm.azure.net", "https://management.azure.com");
  CAPTURE(resource);
  CHECK_FALSE(
      verify(header("https://login.microsoftonline.com/" + tenant, resource), vault("kv1.vault.azure.net"))
          .has_value());
}

TEST_CASE("only the configured authority, by any of its names, is gone to") {
  auto const vault_host = vault("kv1.vault.azure.net");
  for (auto const* name :
       {"login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"})
    CHECK(verify(header("https://" + std::string(name) + "/" + tenant, "https://vault.azure.net"), vault_host)
              .has_value());
  auto const evil =
      GENERATE(as<std::string>(), "https://evil.example/", "http://login.microsoftonline.com/",
               "https://login.microsoftonline.com.evil.example/", "https://evil-login.microsoftonline.com/",
               "https://login.microsoftonline.com:8443/", "https://login.microsoftonline.us/",
               "https://login.chinacloudapi.cn/");
  CAPTURE(evil);
  auto const refused = verify(header(evil + tenant, "https://vault.azure.net"), vault_host);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().error_class == ErrorClass::access);
}

TEST_CASE("an unknown authority, such as one on loopback, must match exactly") {
  auto by = trusted();
  by.authority = Endpoint::parse("https://login.localhost:8443").value();
  by.resource = "https://vault.localhost";
  auto const host = vault("kv1.vault.localhost");
  CHECK(verify(header("https://login.localhost:8443/" + tenant, "https://vault.localhost"), host, by)
            .has_value());
  CHECK_FALSE(
      verify(header("https://login.localhost/" + tenant, "https://vault.localhost"), host, by).has_value());
  CHECK_FALSE(verify(header("https://other.localhost:8443/" + tenant, "https://vault.localhost"), host, by)
                  .has_value());
}

TEST_CASE("another tenant is refused, but a configured domain cannot be compared") {
  auto const other = header("https://login.microsoftonline.com/99999999-2222-3333-4444-555555555555",
                            "https://vault.azure.net");
  auto const refused = verify(other, vault("kv1.vault.azure.net"));
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().what.find("99999999") != std::string::npos);
  auto by = trusted();
  by.tenant = "contoso.onmicrosoft.com";
  CHECK(verify(other, vault("kv1.vault.azure.net"), by).has_value());
}

TEST_CASE("no token goes over plain http") {
  auto plain = vault("kv1.vault.azure.net");
  plain.https = false;
  CHECK_FALSE(verify(header("https://login.microsoftonline.com/" + tenant, "https://vault.azure.net"), plain)
                  .has_value());
}
