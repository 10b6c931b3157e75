#include "tests/contract/azure/azure_caller.hpp"

#include <catch2/catch.hpp>

using namespace rekeyd::sim;
using namespace rekeyd::sim::test;

namespace {

constexpr char const* machine = R"(  machine:
    system_assigned: { client_id: aaaaaaaa-0000-4000-8000-000000000001, object_id: bbbbbbbb-0000-4000-8000-000000000001, tenant: 11111111-2222-4333-8444-555555555555 }
    user_assigned:
      - { client_id: aaaaaaaa-0000-4000-8000-000000000002, object_id: bbbbbbbb-0000-4000-8000-000000000002, resource_id: /subscriptions/s/x, tenant: 11111111-2222-4333-8444-555555555555 }
)";
std::string const path = "/metadata/identity/oauth2/token?api-version=2018-02-01";
std::string const vault_resource = "&resource=https%3A%2F%2Fvault.azure.net";

Reply ask(AzureCaller& azure, std::string const& target, Headers const& headers = {{"Metadata", "true"}}) {
  return azure.reply(azure.raw("GET", "169.254.169.254", target, {}, headers));
}

}  // namespace

TEST_CASE("The metadata service gives a token with its numbers as strings") {
  AzureCaller azure(vault_with("{ name: root }"), machine);
  auto const reply = ask(azure, path + vault_resource);
  REQUIRE(reply.status == 200);
  CHECK(reply.at("expires_in") == "86399");
  CHECK(reply.at("token_type") == "Bearer");
  CHECK(reply.at("resource") == "https://vault.azure.net");
  CHECK(reply.at("client_id") == "aaaaaaaa-0000-4000-8000-000000000001");
  CHECK(std::stoll(reply.at("expires_on")) == azure.now.time_since_epoch().count() + 86'399);
  Headers const headers{{"Authorization", "Bearer " + reply.at("access_token")}};
  CHECK(azure.raw("GET", "kv1.vault.azure.net", "/keys?api-version=7.5", {}, headers).answer.status == 200);
}

TEST_CASE("A user-assigned identity is found by each of its three names") {
  auto const name =
      GENERATE(as<std::string>(), "&client_id=AAAAAAAA-0000-4000-8000-000000000002",
               "&object_id=bbbbbbbb-0000-4000-8000-000000000002", "&msi_res_id=%2Fsubscriptions%2FS%2Fx");
  AzureCaller azure(vault_with("{ name: root }"), machine);
  CHECK(ask(azure, path + vault_resource + name).at("client_id") == "aaaaaaaa-0000-4000-8000-000000000002");
}

TEST_CASE("Without the Metadata header, or through a proxy, the metadata service refuses") {
  auto const headers = GENERATE(
      values<Headers>({{}, {{"Metadata", "false"}}, {{"Metadata", "true"}, {"X-Forwarded-For", "::1"}}}));
  AzureCaller azure(vault_with("{ name: root }"), machine);
  auto const reply = ask(azure, path + vault_resource, headers);
  CHECK(reply.status == 400);
  CHECK(reply.at("error") == "bad_request_102");
}

TEST_CASE("An identity that the machine does not have is not found") {
  AzureCaller azure(vault_with("{ name: root }"), machine);
  auto const reply = ask(azure, path + vault_resource + "&client_id=cccccccc-0000-4000-8000-000000000002");
  CHECK(reply.status == 400);
  CHECK(reply.at("error") == "invalid_request");
  CHECK(reply.at("error_description") == "Identity not found");
}

TEST_CASE("The metadata service wants a resource, not a scope") {
  AzureCaller azure(vault_with("{ name: root }"), machine);
  CHECK(ask(azure, path).at("error") == "invalid_request");
  CHECK(ask(azure, path + vault_resource + "%2F.default").at("error") == "invalid_resource");
  CHECK(ask(azure, path + vault_resource + "%2F").at("error") == "invalid_resource");
  CHECK(ask(azure, path + "&resource=https%3A%2F%2Fmanagement.azure.com").status == 200);
  CHECK(ask(azure, "/metadata/identity/oauth2/token/?api-version=2018-02-01" + vault_resource).status == 200);
  CHECK(ask(azure, "/metadata/identity/oauth2/token?resource=x").at("error") == "bad_request");
}

TEST_CASE("The metadata service can be away for a while") {
  auto const status = GENERATE(404u, 410u, 429u, 500u);
  AzureCaller azure(vault_with("{ name: root }"), machine);
  auto const wish = "{\"status\":" + std::to_string(status) + ",\"for_s\":70}";
  REQUIRE(azure.raw("POST", std::string(control_host), "/instance-metadata", wish).answer.status == 204);
  CHECK(ask(azure, path + vault_resource).status == status);
  azure.wait(std::chrono::seconds(70));
  CHECK(ask(azure, path + vault_resource).status == 200);
}

TEST_CASE("A machine without an identity has no metadata service in this world") {
  AzureCaller azure(vault_with("{ name: root }"));
  CHECK(ask(azure, path + vault_resource).status == 404);
}
