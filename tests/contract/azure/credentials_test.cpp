// What Entra ID takes in place of a client secret, and what it refuses: one case a rule of the model.
#include "tests/contract/azure/azure_caller.hpp"
#include "tests/simulator/azure/client_certificate.hpp"
#include "tests/simulator/azure/json_web_token.hpp"
#include "tests/simulator/openssl_handles.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

using namespace rekeyd;
using namespace rekeyd::sim;
using namespace rekeyd::sim::test;
namespace json = boost::json;

namespace {

constexpr char const* token_url =
    "https://login.microsoftonline.com/11111111-2222-4333-8444-555555555555/oauth2/v2.0/token";
constexpr char const* federation =
    "    - { id: 11111111-2222-4333-8444-666666666666, clients: [{ id: 66666666-7777-4888-8999-0000000000f1, "
    "federated: [{ issuer: 'https://oidc.example/c1', subject: 'system:serviceaccount:rekeyd:rekeyd' }] }] "
    "}\n";

json::object control(AzureCaller& azure, std::string const& path, json::object const& wish) {
  auto const reply = azure.reply(azure.raw("POST", std::string(control_host), path, json::serialize(wish)));
  CAPTURE(reply.text);
  REQUIRE(reply.status / 100 == 2);
  return reply.json.is_object() ? reply.json.get_object() : json::object();
}

std::string pem_for(AzureCaller& azure, json::object wish = {}) {
  wish["client"] = client;
  return std::string(control(azure, "/client-certificates", wish).at("pem").as_string());
}

/// An assertion that is right in all, for a test to make one thing of it wrong.
struct Assertion {
  Assertion(AzureCaller& azure, std::string const& key_pem) : pem(key_pem) {
    auto const certificate = azure::ClientCertificate::from_pem(key_pem);
    header = {{"alg", "RS256"}, {"typ", "JWT"}, {"x5t#S256", certificate->sha256()}};
    auto const now = azure.now.time_since_epoch().count();
    claims = {{"aud", token_url}, {"iss", client},   {"sub", client},
              {"jti", "one"},     {"nbf", now - 60}, {"exp", now + 600}};
  }

  std::string text() const {
    Bio const bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    Pkey const key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
    return azure::sign_token(header, claims, key.get());
  }

  std::string pem;
  json::object header, claims;
};

Reply show(AzureCaller& azure, std::string const& assertion, std::string const& id = client,
           std::string const& in = tenant, std::string const& scope = "https://vault.azure.net/.default",
           std::string const& query = {}) {
  return azure.reply(azure.raw(
      "POST", "login.microsoftonline.com", "/" + in + "/oauth2/v2.0/token" + query,
      fmt::format("grant_type=client_credentials&client_id={}&scope={}&client_assertion_type="
                  "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion={}",
                  id, scope, assertion)));
}

std::int64_t code_of(Reply const& reply) {
  auto const codes = reply.value("error_codes");
  return codes.is_array() ? codes.get_array().at(0).as_int64() : 0;
}

std::string federated_token(AzureCaller& azure, json::object wish = {}) {
  wish.emplace("issuer", "https://oidc.example/c1");
  wish.emplace("subject", "system:serviceaccount:rekeyd:rekeyd");
  return std::string(control(azure, "/federated-tokens", wish).at("token").as_string());
}

Reply show_federated(AzureCaller& azure, std::string const& token) {
  return show(azure, token, "66666666-7777-4888-8999-0000000000f1", "11111111-2222-4333-8444-666666666666");
}

}  // namespace

TEST_CASE("An assertion that a registered certificate has signed is as good as the secret, once") {
  AzureCaller azure(vault_with("{ name: root }"));
  Assertion const assertion(azure, pem_for(azure));
  auto const text = assertion.text();
  auto const reply = show(azure, text);
  CAPTURE(reply.text);
  REQUIRE(reply.status == 200);
  Headers const headers{{"Authorization", "Bearer " + reply.at("access_token")}};
  CHECK(azure.raw("GET", "kv1.vault.azure.net", "/keys?api-version=7.5", {}, headers).answer.status == 200);
  CHECK(code_of(show(azure, text)) == 50012);
}

TEST_CASE("A query at the token endpoint is no part of the URL that an assertion is made out to") {
  AzureCaller azure(vault_with("{ name: root }"));
  Assertion const assertion(azure, pem_for(azure));
  CHECK(show(azure, assertion.text(), client, std::string(tenant), "https://vault.azure.net/.default",
             "?client-request-id=a-b-c")
            .status == 200);
}

TEST_CASE("A world may let a client show its assertion again") {
  AzureCaller azure(vault_with("{ name: root }"), "  assertions: reusable\n");
  Assertion const assertion(azure, pem_for(azure));
  auto const text = assertion.text();
  CHECK(show(azure, text).status == 200);
  CHECK(show(azure, text).status == 200);
}

TEST_CASE("Clocks may differ by five minutes") {
  AzureCaller azure(vault_with("{ name: root }"));
  Assertion assertion(azure, pem_for(azure));
  auto const now = azure.now.time_since_epoch().count();
  assertion.claims["nbf"] = now + 300;
  CHECK(show(azure, assertion.text()).status == 200);
  assertion.claims["jti"] = "two";
  assertion.claims["exp"] = now - 299;
  CHECK(show(azure, assertion.text()).status == 200);
}

TEST_CASE("An assertion may be for Resource Manager") {
  AzureCaller azure(vault_with("{ name: root }"));
  Assertion const assertion(azure, pem_for(azure));
  CHECK(show(azure, assertion.text(), client, tenant, "https://management.azure.com/.default").status == 200);
}

TEST_CASE("An assertion with one thing wrong is refused by its number") {
  struct Wrong {
    char const* what;
    std::int64_t code;
  };
  auto const wrong = GENERATE(values<Wrong>({{"thumbprint", 700027},
                                             {"algorithm", 50012},
                                             {"chain", 50012},
                                             {"audience", 700023},
                                             {"expired", 700024},
                                             {"not yet", 700024},
                                             {"no end", 700024},
                                             {"no identifier", 50012},
                                             {"subject", 700021},
                                             {"another's", 700211}}));
  CAPTURE(wrong.what);
  std::string const what = wrong.what;
  AzureCaller azure(vault_with("{ name: root }"));
  Assertion assertion(azure, pem_for(azure));
  auto const now = azure.now.time_since_epoch().count();
  if (what == "thumbprint") assertion.header["x5t#S256"] = "AAAA";
  if (what == "algorithm") assertion.header["alg"] = "none";
  if (what == "chain") assertion.header["x5c"] = boost::json::array{"MIIB"};
  if (what == "audience") assertion.claims["aud"] = "https://login.microsoftonline.com/";
  if (what == "expired") assertion.claims["exp"] = now - 300;
  if (what == "not yet") assertion.claims["nbf"] = now + 301;
  if (what == "no end") assertion.claims.erase("exp");
  if (what == "no identifier") assertion.claims.erase("jti");
  if (what == "subject") assertion.claims["sub"] = "someone";
  if (what == "another's") assertion.claims["iss"] = "66666666-7777-4888-8999-000000000009";
  auto const reply = show(azure, assertion.text());
  CHECK(reply.status == 401);
  CHECK(reply.at("error") == "invalid_client");
  CHECK(code_of(reply) == wrong.code);
}

TEST_CASE("A signature is checked against the registered certificate, not just its name") {
  AzureCaller azure(vault_with("{ name: root }"));
  Assertion assertion(azure, pem_for(azure));
  assertion.pem = pem_for(azure);
  CHECK(code_of(show(azure, assertion.text())) == 50012);
}

TEST_CASE("A certificate that is not registered, or out of its time, is refused") {
  AzureCaller azure(vault_with("{ name: root }"));
  Assertion const stranger(azure, pem_for(azure, {{"registered", false}}));
  CHECK(code_of(show(azure, stranger.text())) == 700027);
  Assertion const old(azure, pem_for(azure, {{"begins_in_s", -7200}, {"ends_in_s", -3600}}));
  CHECK(code_of(show(azure, old.text())) == 1000502);
}

TEST_CASE("Entra's own clock decides whether an assertion is in time") {
  AzureCaller azure(vault_with("{ name: root }"));
  Assertion const assertion(azure, pem_for(azure));
  control(azure, "/entra-clock", {{"ahead_s", 900}});
  CHECK(code_of(show(azure, assertion.text())) == 700024);
  control(azure, "/entra-clock", {{"ahead_s", 0}});
  CHECK(show(azure, assertion.text()).status == 200);
}

TEST_CASE("A text that is no token is no assertion") {
  auto const text = GENERATE(as<std::string>(), "", "abc", "a.b.c", "e30.e30", "e30.e30.e30");
  AzureCaller azure(vault_with("{ name: root }"));
  CHECK(show(azure, text).status == 401);
}

TEST_CASE("The token of a federated issuer stands for the application") {
  AzureCaller azure(vault_with("{ name: root }"), federation);
  auto const token = federated_token(azure);
  CHECK(show_federated(azure, token).status == 200);
  CHECK(show_federated(azure, token).status == 200);
  azure.wait(std::chrono::minutes(65));
  CHECK(code_of(show_federated(azure, token)) == 700024);
  CHECK(show_federated(azure, federated_token(azure)).status == 200);
}

TEST_CASE("A federated token that fits no federated credential is refused by what does not fit") {
  AzureCaller azure(vault_with("{ name: root }"), federation);
  CHECK(code_of(show_federated(azure, federated_token(azure, {{"issuer", "https://oidc.example/c2"}}))) ==
        700211);
  CHECK(code_of(show_federated(azure, federated_token(azure, {{"subject", "someone-else"}}))) == 700213);
  CHECK(code_of(show_federated(azure, federated_token(azure, {{"audience", "https://vault.azure.net"}}))) ==
        700212);
  CHECK(code_of(show_federated(azure, federated_token(azure, {{"forged", true}}))) == 50013);
}
