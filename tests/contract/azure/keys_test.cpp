#include "tests/contract/azure/azure_caller.hpp"
#include "tests/simulator/crypto.hpp"
#include "tests/simulator/randomness.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <set>

using namespace rekeyd::sim;
using namespace rekeyd::sim::test;
namespace json = boost::json;

namespace {

json::object create_rsa() { return {{"kty", "RSA"}, {"key_size", 2048}}; }

}  // namespace

TEST_CASE("Create makes a key, and again a new version of it that inherits nothing") {
  AzureCaller azure(vault_with(""));
  auto body = create_rsa();
  body["tags"] = {{"rekeyd-op", "01J"}};
  auto const first = azure.post("/keys/root/create", body);
  REQUIRE(first.status == 200);
  CHECK(first.at("key/kid").starts_with("https://kv1.vault.azure.net/keys/root/"));
  CHECK(AzureCaller::version_of(first).size() == 32);
  CHECK(first.at("key/kty") == "RSA");
  CHECK(first.at("key/e") == "AQAB");
  CHECK(from_base64url(first.at("key/n"))->size() == 256);
  CHECK(first.value("attributes/enabled") == true);
  CHECK(first.value("attributes/created") == azure.now.time_since_epoch().count());
  CHECK(first.at("tags/rekeyd-op") == "01J");
  azure.wait(std::chrono::seconds(60));
  auto const second = azure.post("/keys/root/create", create_rsa());
  CHECK(AzureCaller::version_of(second) != AzureCaller::version_of(first));
  CHECK(second.at("key/n") != first.at("key/n"));
  CHECK(second.value("tags").is_null());
  CHECK(AzureCaller::version_of(azure.get("/keys/root")) == AzureCaller::version_of(second));
  CHECK(AzureCaller::version_of(azure.get("/keys/root/")) == AzureCaller::version_of(second));
  CHECK(azure.get("/keys/ROOT/" + AzureCaller::version_of(first)).at("key/n") == first.at("key/n"));
  CHECK(azure.all_kids("/keys/root/versions").size() == 2);
}

TEST_CASE("Create refuses what a vault cannot keep") {
  AzureCaller azure(vault_with(""));
  auto const body =
      GENERATE(json::object{{"kty", "oct"}}, json::object{{"kty", "RSA"}, {"key_size", 1024}},
               json::object{{"kty", "DSA"}}, json::object{}, json::object{{"kty", "EC"}, {"crv", "P-111"}},
               json::object{{"kty", "RSA"}, {"key_ops", {"fly", "swim"}}},
               json::object{{"kty", "RSA"}, {"attributes", {{"enabled", "yes"}}}},
               json::object{{"kty", "RSA"}, {"attributes", {{"exportable", true}}}},
               json::object{{"kty", "RSA"}, {"tags", {{"name", 1}}}});
  auto const reply = azure.post("/keys/root/create", body);
  CHECK(reply.status == 400);
  CHECK(reply.at("error/code") == "BadParameter");
  CHECK(azure.get("/keys/root").status == 404);
}

TEST_CASE("A key has at most 15 tags") {
  AzureCaller azure(vault_with(""));
  auto body = create_rsa();
  json::object tags;
  for (int i = 0; i < 15; ++i) tags["tag" + std::to_string(i)] = "x";
  body["tags"] = tags;
  CHECK(azure.post("/keys/root/create", body).status == 200);
  tags["one-more"] = "x";
  body["tags"] = tags;
  CHECK(azure.post("/keys/root/create", body).status == 400);
}

TEST_CASE("A release policy needs an exportable key, and an exportable key a release policy") {
  AzureCaller azure(vault_with(""));
  auto body = create_rsa();
  body["release_policy"] = {{"data", base64url("{}")}};
  auto const refused = azure.post("/keys/cvm/create", body);
  CHECK(refused.status == 400);
  CHECK(refused.at("error/message").find("AKV.SKR.1005") != std::string::npos);
  body["attributes"] = {{"exportable", true}};
  auto const made = azure.post("/keys/cvm/create", body);
  CHECK(made.status == 200);
  CHECK(made.value("attributes/exportable") == true);
  CHECK(made.at("release_policy/contentType") == "application/json; charset=utf-8");
}

TEST_CASE("A key that is not there is a 404 without inner error") {
  AzureCaller azure(vault_with("{ name: root }"));
  for (char const* target :
       {"/keys/other", "/keys/root/0123456789abcdef0123456789abcdef", "/keys/other/versions"}) {
    auto const reply = azure.get(target);
    CHECK(reply.status == 404);
    CHECK(reply.at("error/code") == "KeyNotFound");
    CHECK(reply.value("error/innererror").is_null());
  }
  CHECK(azure.get("/keys/not_a_name").status == 400);
}

TEST_CASE("PATCH replaces tags and operations whole and merges attributes") {
  AzureCaller azure(vault_with("{ name: root, tags: { a: '1', b: '2' }, created: 3 months ago }"));
  auto const later = azure.now.time_since_epoch().count() + 1000;
  auto reply = azure.patch("/keys/root", {{"attributes", {{"exp", later}}}});
  REQUIRE(reply.status == 200);
  CHECK(reply.value("attributes/exp") == later);
  CHECK(reply.value("attributes/enabled") == true);
  CHECK(reply.value("attributes/updated") == azure.now.time_since_epoch().count());
  CHECK(reply.value("attributes/created") != reply.value("attributes/updated"));
  CHECK(reply.at("tags/b") == "2");
  reply = azure.patch("/keys/root", {{"tags", {{"c", "3"}}}, {"key_ops", {"wrapKey", "unwrapKey"}}});
  CHECK(reply.value("tags") == json::value(json::object{{"c", "3"}}));
  CHECK(reply.value("key/key_ops").as_array().size() == 2);
  CHECK(reply.value("attributes/exp") == later);
  reply = azure.patch("/keys/root",
                      {{"tags", json::object{}}, {"attributes", {{"exp", nullptr}, {"created", 1}}}});
  CHECK(reply.value("tags") == json::value(json::object{}));
  CHECK(reply.value("attributes/exp").is_null());
  CHECK(azure.patch("/keys/root", {{"attributes", "off"}}).status == 400);
}

TEST_CASE("A disabled newest version stays the latest and can be read") {
  AzureCaller azure(
      vault_with("{ name: root, created: 9 months ago, versions: 3, every: 2 months, enabled: false }"));
  auto const latest = azure.get("/keys/root");
  CHECK(latest.status == 200);
  CHECK(latest.value("attributes/enabled") == false);
  CHECK(azure.get("/keys/root/" + AzureCaller::version_of(latest)).status == 200);
}

TEST_CASE("Import keeps the given material and never shows its private part") {
  AzureCaller azure(hsm_with(""));
  azure.use("hsm1.managedhsm.azure.net");
  auto const reply = azure.put(
      "/keys/wrap",
      {{"key", {{"kty", "oct-HSM"}, {"k", base64url(std::string(32, 'k'))}}}, {"tags", {{"a", "1"}}}});
  REQUIRE(reply.status == 200);
  CHECK(reply.at("key/kty") == "oct-HSM");
  CHECK(reply.value("key/k").is_null());
  auto const wrapped =
      azure.post("/keys/wrap/wrapkey", {{"alg", "A256KW"}, {"value", base64url(std::string(32, 'd'))}});
  CHECK(from_base64url(wrapped.at("value")) == aes_wrap(std::string(32, 'k'), std::string(32, 'd')));
  CHECK(azure.put("/keys/wrap", {{"key", {{"kty", "oct-HSM"}, {"k", "AAAA"}}}}).status == 400);
  CHECK(azure.put("/keys/wrap", {{"key", {{"kty", "RSA-HSM"}, {"n", "AQAB"}}}}).status == 400);
}

TEST_CASE("Managed HSM keeps HSM keys only, sorts members and shuffles operations") {
  AzureCaller azure(hsm_with("{ name: root }"));
  azure.use("hsm1.managedhsm.azure.net");
  CHECK(azure.post("/keys/soft/create", create_rsa()).status == 400);
  CHECK(azure.post("/keys/aes/create", {{"kty", "oct-HSM"}, {"key_size", 256}}).status == 200);
  auto const curve = azure.post("/keys/ec/create", {{"kty", "EC-HSM"}, {"crv", "P-256"}});
  auto const operations = curve.value("key/key_ops").as_array();
  CHECK(std::ranges::count(operations, json::value("deriveKey")) == 1);
  CHECK(from_base64url(curve.at("key/x"))->size() == 32);
  auto const bundle = azure.get("/keys/root");
  CHECK(bundle.json.as_object().begin()->key() == "attributes");
  std::set<std::string> orders;
  for (int i = 0; i < 20; ++i) orders.insert(json::serialize(azure.get("/keys/root").value("key/key_ops")));
  CHECK(orders.size() > 1);
  CHECK(bundle.value("attributes/hsmPlatform").is_null());
  CHECK_FALSE(bundle.header("x-ms-server-latency").empty());
}

TEST_CASE("A Managed HSM key has at most 100 versions") {
  AzureCaller azure(
      hsm_with("{ name: root, created: 100 months ago, versions: 99, every: 1 month, "
               "rotation_policy: neutral }"));
  azure.use("hsm1.managedhsm.azure.net");
  CHECK(azure.post("/keys/root/rotate").status == 200);
  CHECK(azure.post("/keys/root/rotate").status == 400);
  CHECK(azure.post("/keys/root/create", {{"kty", "RSA-HSM"}}).status == 400);
  CHECK(azure.all_kids("/keys/root/versions").size() == 100);
}

TEST_CASE("Random bytes come from Managed HSM only") {
  AzureCaller azure(hsm_with("") + "\n    " + vault_with(""));
  CHECK(azure.post("/rng", {{"count", 16}}).status == 404);
  azure.use("hsm1.managedhsm.azure.net");
  CHECK(from_base64url(azure.post("/rng", {{"count", 16}}).at("value"))->size() == 16);
  CHECK(azure.post("/rng", {{"count", 129}}).status == 400);
}

TEST_CASE("What the model does not offer is refused, not ignored") {
  AzureCaller azure(vault_with("{ name: root }"));
  CHECK(azure.post("/keys/root/backup").status == 405);
  CHECK(azure.post("/keys/restore", {{"value", "x"}}).status == 405);
  CHECK(azure.post("/keys/root/sign", {{"alg", "RS256"}, {"value", "x"}}).status == 400);
  CHECK(azure.get("/secrets").status == 404);
}

TEST_CASE("A key that belongs to a certificate is not rotated through the keys API") {
  AzureCaller azure(vault_with("{ name: cert, managed: true }"));
  CHECK(azure.get("/keys/cert").value("managed") == true);
  CHECK(azure.get("/keys").json.at("value").at(0).at("managed") == true);
  CHECK(azure.post("/keys/cert/rotate").status == 403);
}
