// What a vault's challenge may turn into while a client runs.
#include "tests/contract/azure/azure_caller.hpp"
#include "tests/simulator/crypto.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace rekeyd::sim;
using namespace rekeyd::sim::test;

namespace {

void change(AzureCaller& azure, std::string const& wish) {
  auto const delivery = azure.raw("POST", std::string(control_host), "/vault-challenges", wish);
  REQUIRE(delivery.answer.status == 204);
}

std::string encoded(std::string const& text) {
  std::string out;
  for (char const c : text) out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  return out;
}

Reply list_keys(AzureCaller& azure, std::string const& token = {}) {
  Headers headers;
  if (!token.empty()) headers.emplace_back("Authorization", "Bearer " + token);
  return azure.reply(azure.raw("GET", "kv1.vault.azure.net", "/keys?api-version=7.5", {}, headers));
}

}  // namespace

TEST_CASE("A vault's challenge can be made to name a wrong resource") {
  AzureCaller azure(vault_with("{ name: root }"));
  change(azure, R"({"vault":"kv1","resource":"https://evil.example"})");
  CHECK(list_keys(azure).header("www-authenticate").find("resource=\"https://evil.example\"") !=
        std::string::npos);
}

TEST_CASE("A vault that has moved to another tenant refuses the old tenant's tokens and names the new one") {
  std::string const other = "99999999-2222-4333-8444-555555555555";
  AzureCaller azure(vault_with("{ name: root }"), "    - { id: " + other + ", clients: [] }\n");
  auto const token = azure.token("https://vault.azure.net");
  CHECK(list_keys(azure, token).status == 200);
  change(azure, R"({"vault":"kv1","tenant":")" + other + "\"}");
  auto const reply = list_keys(azure, token);
  CHECK(reply.status == 401);
  CHECK(reply.header("www-authenticate").find(other) != std::string::npos);
}

TEST_CASE("After a revocation only a token that answers the claims challenge is good") {
  AzureCaller azure(vault_with("{ name: root }"));
  auto const token = azure.token("https://vault.azure.net");
  change(azure, R"({"vault":"kv1","revoke":true})");
  auto const reply = list_keys(azure, token);
  CHECK(reply.status == 401);
  auto const challenge = reply.header("www-authenticate");
  CHECK(challenge.find("error=\"insufficient_claims\"") != std::string::npos);
  CHECK(list_keys(azure, azure.token("https://vault.azure.net")).status == 401);

  auto const begin = challenge.find("claims=\"") + 8;
  auto const claims = *from_base64(challenge.substr(begin, challenge.find('"', begin) - begin));
  auto const granted = azure.token_request(
      fmt::format("grant_type=client_credentials&client_id={}&client_secret={}&scope=https://vault.azure.net/"
                  ".default&claims={}",
                  client, secret, encoded(claims)));
  REQUIRE(granted.status == 200);
  CHECK(list_keys(azure, granted.at("access_token")).status == 200);
}
