#include "tests/contract/azure/azure_caller.hpp"

#include <catch2/catch.hpp>

using namespace rekeyd::sim;
using namespace rekeyd::sim::test;

namespace {

std::string const form =
    "grant_type=client_credentials&client_id=66666666-7777-4888-8999-000000000001&client_secret=s3cret&"
    "scope=";
std::string const scope = "https%3A%2F%2Fvault.azure.net%2F.default";

}  // namespace

TEST_CASE("A vault answers a request without a token with its challenge") {
  AzureCaller azure(vault_with("{ name: root }"));
  auto const reply = azure.reply(azure.raw("GET", "kv1.vault.azure.net", "/keys?api-version=7.5"));
  CHECK(reply.status == 401);
  CHECK(reply.header("www-authenticate") ==
        "Bearer authorization=\"https://login.microsoftonline.com/11111111-2222-4333-8444-555555555555\", "
        "resource=\"https://vault.azure.net\"");
  CHECK(reply.at("error/code") == "Unauthorized");
  CHECK(reply.at("error/message") == "AKV10000: Request is missing a Bearer or PoP token.");
  CHECK_FALSE(reply.header("x-ms-request-id").empty());
}

TEST_CASE("A challenge under a loopback name points at loopback, with the caller's port") {
  AzureCaller azure(vault_with("{ name: root }"));
  auto const reply = azure.reply(azure.raw("GET", "kv1.vault.localhost:8443", "/keys?api-version=7.5"));
  CHECK(reply.header("www-authenticate") ==
        "Bearer authorization=\"https://login.localhost:8443/11111111-2222-4333-8444-555555555555\", "
        "resource=\"https://vault.localhost\"");
}

TEST_CASE("A Managed HSM's challenge has no body") {
  AzureCaller azure(hsm_with("{ name: root }"));
  auto const reply = azure.reply(azure.raw("GET", "hsm1.managedhsm.azure.net", "/keys?api-version=7.5"));
  CHECK(reply.status == 401);
  CHECK(reply.text.empty());
  CHECK(reply.header("www-authenticate").find("resource=\"https://managedhsm.azure.net\"") !=
        std::string::npos);
  CHECK(reply.header("content-type").starts_with("application/json"));
}

TEST_CASE("The token endpoint grants a token for the resource and its lifetime as a number") {
  AzureCaller azure(vault_with("{ name: root }"), "  token_lifetime_s: 600\n");
  auto const reply = azure.token_request(form + scope);
  CHECK(reply.status == 200);
  CHECK(reply.at("token_type") == "Bearer");
  CHECK(reply.value("expires_in") == 600);
  CHECK(reply.at("access_token").starts_with("eyJ"));
}

TEST_CASE("The token endpoint says what is wrong by error and code") {
  struct Wrong {
    std::string form;
    std::string tenant;
    unsigned status;
    std::string error;
    int code;
  };
  std::string const id = "client_id=66666666-7777-4888-8999-000000000001";
  std::string const grant = "grant_type=client_credentials&";
  auto const wrong = GENERATE_COPY(
      Wrong{grant + id + "&client_secret=wrong&scope=" + scope, tenant, 401, "invalid_client", 7000215},
      Wrong{grant + id + "&scope=" + scope, tenant, 401, "invalid_client", 7000218},
      Wrong{grant + "client_id=nobody&client_secret=x&scope=" + scope, tenant, 400, "unauthorized_client",
            700016},
      Wrong{form + "https%3A%2F%2Fvault.azure.net", tenant, 400, "invalid_scope", 70011},
      Wrong{form + "https%3A%2F%2Felsewhere.example%2F.default", tenant, 400, "invalid_resource", 500011},
      Wrong{form + scope, "99999999-2222-4333-8444-555555555555", 400, "invalid_request", 90002},
      Wrong{"grant_type=password&" + id, tenant, 400, "unsupported_grant_type", 70003});
  AzureCaller azure(vault_with("{ name: root }"));
  auto const reply = azure.token_request(wrong.form, wrong.tenant);
  CHECK(reply.status == wrong.status);
  CHECK(reply.at("error") == wrong.error);
  REQUIRE(reply.value("error_codes").is_array());
  CHECK(reply.value("error_codes").as_array().at(0) == wrong.code);
  CHECK(reply.at("error_description").starts_with("AADSTS" + std::to_string(wrong.code) + ": "));
  CHECK_FALSE(reply.at("trace_id").empty());
}

TEST_CASE("A vault refuses tokens that are not for it") {
  AzureCaller azure(vault_with("{ name: root }"));
  auto const ask = [&azure](std::string const& token) {
    return azure.reply(azure.raw("GET", "kv1.vault.azure.net", "/keys?api-version=7.5", {},
                                 {{"Authorization", "Bearer " + token}}));
  };
  SECTION("of another audience") {
    auto const reply = ask(azure.token("https://managedhsm.azure.net"));
    CHECK(reply.status == 401);
    CHECK(
        reply.at("error/message") ==
        "AKV10022: Invalid audience. Expected https://vault.azure.net, found: https://managedhsm.azure.net.");
    CHECK_FALSE(reply.header("www-authenticate").empty());
  }
  SECTION("expired") {
    auto const token = azure.token("https://vault.azure.net");
    CHECK(ask(token).status == 200);
    azure.wait(std::chrono::seconds(3599));
    auto const reply = ask(token);
    CHECK(reply.status == 401);
    CHECK(reply.at("error/message") == "[TokenExpired] Error validating token: 'S2S12086'");
  }
  SECTION("made up or changed") {
    auto token = azure.token("https://vault.azure.net");
    CHECK(ask("abc").status == 401);
    CHECK(ask("a.b.c").status == 401);
    token[token.size() / 2] = token[token.size() / 2] == 'A' ? 'B' : 'A';
    CHECK(ask(token).status == 401);
  }
}

TEST_CASE("A vault refuses the tokens of another tenant") {
  std::string const other = "99999999-2222-4333-8444-555555555555";
  AzureCaller azure("- { name: kv1, tenant: " + other + ", keys: [] }",
                    "    - { id: " + other + ", clients: [] }\n");
  auto const reply = azure.get("/keys");
  CHECK(reply.status == 401);
  CHECK(reply.at("error/message").starts_with("AKV10032: Invalid issuer."));
}

TEST_CASE("A client that a vault does not know is forbidden, not unauthorized") {
  AzureCaller azure(
      "- { name: kv1, tenant: 11111111-2222-4333-8444-555555555555, allowed_clients: [someone-else], keys: "
      "[] }");
  auto const reply = azure.get("/keys");
  CHECK(reply.status == 403);
  CHECK(reply.at("error/code") == "Forbidden");
  CHECK(reply.at("error/innererror/code") == "ForbiddenByRbac");
}

TEST_CASE("Every call needs an api-version that the service knows") {
  AzureCaller azure(vault_with("{ name: root }"));
  Headers const headers{{"Authorization", "Bearer " + azure.token("https://vault.azure.net")}};
  CHECK(azure.raw("GET", "kv1.vault.azure.net", "/keys", {}, headers).answer.status == 400);
  CHECK(azure.raw("GET", "kv1.vault.azure.net", "/keys?api-version=6.1", {}, headers).answer.status == 400);
  CHECK(azure.get("/keys?api-version=2026-04-01").status == 200);
}

TEST_CASE("Requests are told apart by their own identifier") {
  AzureCaller azure(vault_with("{ name: root }"));
  auto const reply = azure.reply(azure.raw("GET", "kv1.vault.azure.net", "/keys?api-version=7.5", {},
                                           {{"x-ms-client-request-id", "abc-1"}}));
  CHECK(reply.header("x-ms-client-request-id") == "abc-1");
}
