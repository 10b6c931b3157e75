#include "tests/contract/azure/azure_caller.hpp"

#include <catch2/catch.hpp>

using namespace rekeyd::sim;
using namespace rekeyd::sim::test;
namespace json = boost::json;
using std::chrono::days;

namespace {

json::value policy(json::object const& trigger, char const* expiry = nullptr) {
  json::object const rotate{{"trigger", trigger}, {"action", {{"type", "Rotate"}}}};
  json::object body{{"lifetimeActions", json::array{rotate}}, {"attributes", json::object{}}};
  if (expiry != nullptr) body["attributes"] = {{"expiryTime", expiry}};
  return body;
}

}  // namespace

TEST_CASE("Rotate makes a version of the same kind with new material and keeps what the key had") {
  AzureCaller azure(
      vault_with("{ name: root, kty: RSA-HSM, size: 2048, key_ops: [wrapKey, unwrapKey], tags: { a: '1' }, "
                 "created: 5 months ago }"));
  auto const before = azure.get("/keys/root");
  auto const after = azure.post("/keys/root/rotate");
  REQUIRE(after.status == 200);
  CHECK(AzureCaller::version_of(after) != AzureCaller::version_of(before));
  CHECK(after.at("key/n") != before.at("key/n"));
  CHECK(after.at("key/kty") == "RSA-HSM");
  CHECK(after.value("key/key_ops") == before.value("key/key_ops"));
  CHECK(after.value("tags") == before.value("tags"));
  CHECK(after.value("attributes/created") == azure.now.time_since_epoch().count());
  CHECK(azure.get("/keys/root").at("key/kid") == after.at("key/kid"));
  CHECK(azure.post("/keys/none/rotate").status == 404);
}

TEST_CASE("What rotate copies can be switched off, for clients that must not rely on it") {
  AzureCaller azure(
      "- { name: kv1, tenant: 11111111-2222-4333-8444-555555555555, rotate_keeps: [], keys: [{ name: root, "
      "tags: { a: '1' } }] }");
  CHECK(azure.post("/keys/root/rotate").value("tags").is_null());
}

TEST_CASE("A key without a policy shows Key Vault's default") {
  AzureCaller azure(vault_with("{ name: root }"));
  auto const reply = azure.get("/keys/root/rotationpolicy");
  CHECK(reply.status == 200);
  CHECK(reply.json == json::parse(R"({"lifetimeActions":[{"trigger":{"timeBeforeExpiry":"P30D"},
                                      "action":{"type":"Notify"}}],"attributes":{}})"));
}

TEST_CASE("A policy's expiry time counts calendar months from the next version on") {
  AzureCaller azure(vault_with("{ name: root, created: 5 months ago }"));
  auto const put = azure.put("/keys/root/rotationpolicy", policy({{"timeAfterCreate", "P18M"}}, "P48M"));
  REQUIRE(put.status == 200);
  CHECK(put.at("id") == "https://kv1.vault.azure.net/keys/root/rotationpolicy");
  CHECK(put.at("attributes/expiryTime") == "P48M");
  CHECK(azure.get("/keys/root").value("attributes/exp").is_null());
  auto const expected = rekeyd::parse_rfc3339("2030-01-31T12:00:00Z")->time_since_epoch().count();
  CHECK(azure.post("/keys/root/rotate").value("attributes/exp") == expected);
  CHECK(azure.get("/keys/root/rotationpolicy").value("lifetimeActions") == put.value("lifetimeActions"));
}

TEST_CASE("Policies outside Key Vault's limits are refused") {
  AzureCaller azure(vault_with("{ name: root }"));
  auto const body =
      GENERATE(policy({{"timeAfterCreate", "P6D"}}), policy({{"timeAfterCreate", "P30D"}}, "P27D"),
               policy({{"timeAfterCreate", "P30D"}}, "P36D"), policy({{"timeBeforeExpiry", "P30D"}}),
               policy({{"timeBeforeExpiry", "P6D"}}, "P90D"),
               policy({{"timeAfterCreate", "P30D"}, {"timeBeforeExpiry", "P30D"}}, "P90D"), policy({}),
               policy({{"timeAfterCreate", "30 days"}}), policy({{"timeAfterCreate", "P"}}),
               policy({{"timeAfterCreate", "P1D2M"}}), policy({{"timeAfterCreate", 30}}),
               json::value{{"lifetimeActions", "none"}});
  auto const reply = azure.put("/keys/root/rotationpolicy", body);
  CHECK(reply.status == 400);
  CHECK(reply.at("error/code") == "BadParameter");
}

TEST_CASE("A trigger's null member counts as absent") {
  AzureCaller azure(vault_with("{ name: root }"));
  CHECK(azure
            .put("/keys/root/rotationpolicy",
                 policy({{"timeAfterCreate", "P30D"}, {"timeBeforeExpiry", nullptr}}))
            .status == 200);
}

TEST_CASE("Managed HSM rotates on request only once a policy is set, and wants 28 days in it") {
  AzureCaller azure(hsm_with("{ name: root }"));
  azure.use("hsm1.managedhsm.azure.net");
  auto const refused = azure.post("/keys/root/rotate");
  CHECK(refused.status == 400);
  CHECK(azure.all_kids("/keys/root/versions").size() == 1);
  CHECK(azure.put("/keys/root/rotationpolicy", policy({{"timeAfterCreate", "P27D"}}, "P90D")).status == 400);
  CHECK(azure.put("/keys/root/rotationpolicy", policy({{"timeBeforeExpiry", "P63D"}}, "P90D")).status == 400);
  auto notify = policy({{"timeBeforeExpiry", "P30D"}}, "P90D");
  notify.at("lifetimeActions").at(0).at("action").at("type") = "Notify";
  CHECK(azure.put("/keys/root/rotationpolicy", notify).status == 400);
  CHECK(azure.put("/keys/root/rotationpolicy", policy({{"timeAfterCreate", "P28D"}}, "P90D")).status == 200);
  CHECK(azure.post("/keys/root/rotate").status == 200);
}

TEST_CASE("An empty policy removes what was set") {
  AzureCaller azure(hsm_with("{ name: root, rotation_policy: neutral }"));
  azure.use("hsm1.managedhsm.azure.net");
  CHECK(azure.post("/keys/root/rotate").status == 200);
  json::object const empty{{"lifetimeActions", json::array{}}, {"attributes", json::object{}}};
  CHECK(azure.put("/keys/root/rotationpolicy", empty).status == 200);
  CHECK(azure.post("/keys/root/rotate").status == 400);
}

TEST_CASE("The service rotates by its own policy when its time has come") {
  AzureCaller azure(
      vault_with("{ name: root, rotation_policy: { rotate_after_create: P30D, expiry_time: P60D } }"));
  azure.wait(days(30) - std::chrono::seconds(1));
  CHECK(azure.all_kids("/keys/root/versions").size() == 1);
  azure.wait(std::chrono::seconds(1));
  CHECK(azure.all_kids("/keys/root/versions").size() == 2);
  azure.wait(days(61));
  CHECK(azure.all_kids("/keys/root/versions").size() == 4);
  auto const created = azure.get("/keys/root").value("attributes/created").as_int64();
  CHECK(created == (beginning() + days(90)).time_since_epoch().count());
}

TEST_CASE("Rotation is unknown before api-version 7.3") {
  AzureCaller azure(vault_with("{ name: root }"));
  CHECK(azure.post("/keys/root/rotate?api-version=7.2").status == 400);
  CHECK(azure.get("/keys/root/rotationpolicy?api-version=7.2").status == 400);
  CHECK(azure.get("/keys/root?api-version=7.2").status == 200);
}
