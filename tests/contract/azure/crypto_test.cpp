#include "tests/simulator/crypto.hpp"

#include "tests/contract/azure/azure_caller.hpp"

#include <catch2/catch.hpp>

using namespace rekeyd::sim;
using namespace rekeyd::sim::test;
namespace json = boost::json;

namespace {

std::string const dek(32, 'D');

json::value operation(std::string const& algorithm, std::string const& value) {
  return {{"alg", algorithm}, {"value", value}};
}

}  // namespace

TEST_CASE("RSA wraps and unwraps with every padding, and only with its own version") {
  auto const algorithm = GENERATE("RSA-OAEP-256", "RSA-OAEP", "RSA1_5");
  AzureCaller azure(vault_with("{ name: root, created: 9 months ago, versions: 2 }"));
  auto const kids = azure.all_kids("/keys/root/versions");
  auto const wrapped = azure.post("/keys/root/wrapkey", operation(algorithm, base64url(dek)));
  REQUIRE(wrapped.status == 200);
  CHECK(wrapped.at("kid") == azure.get("/keys/root").at("key/kid"));
  for (auto const& kid : kids) {
    auto const path = kid.substr(kid.find("/keys/")) + "/unwrapkey";
    auto const opened = azure.post(path, operation(algorithm, wrapped.at("value")));
    bool const own = kid == wrapped.at("kid");
    CHECK(opened.status == (own ? 200U : 400U));
    if (own) CHECK(from_base64url(opened.at("value")) == dek);
  }
}

TEST_CASE("What the public key wraps locally the service unwraps") {
  AzureCaller azure(vault_with("{ name: root }"));
  auto const encrypted = azure.post("/keys/root/encrypt", operation("RSA-OAEP-256", base64url(dek)));
  auto const path = "/keys/root/" + AzureCaller::version_of(azure.get("/keys/root")) + "/unwrapkey";
  CHECK(from_base64url(azure.post(path, operation("RSA-OAEP-256", encrypted.at("value"))).at("value")) ==
        dek);
}

TEST_CASE("A plaintext longer than the padding leaves room for is refused") {
  AzureCaller azure(vault_with("{ name: root, size: 2048 }"));
  CHECK(
      azure.post("/keys/root/wrapkey", operation("RSA-OAEP-256", base64url(std::string(190, 'x')))).status ==
      200);
  CHECK(
      azure.post("/keys/root/wrapkey", operation("RSA-OAEP-256", base64url(std::string(191, 'x')))).status ==
      400);
}

TEST_CASE("AES-KW is RFC 3394, and its name must fit the key's size") {
  auto const bits = GENERATE(128, 192, 256);
  AzureCaller azure(hsm_with("{ name: root, kty: oct-HSM, size: " + std::to_string(bits) + " }"));
  azure.use("hsm1.managedhsm.azure.net");
  std::string const algorithm = "A" + std::to_string(bits) + "KW";
  auto const wrapped = azure.post("/keys/root/wrapkey", operation(algorithm, base64url(dek)));
  REQUIRE(wrapped.status == 200);
  CHECK(from_base64url(wrapped.at("value"))->size() == dek.size() + 8);
  auto const opened = azure.post("/keys/root/unwrapkey", operation(algorithm, wrapped.at("value")));
  CHECK(from_base64url(opened.at("value")) == dek);
  CHECK(
      azure.post("/keys/root/wrapkey", operation(bits == 128 ? "A256KW" : "A128KW", base64url(dek))).status ==
      400);
  CHECK(azure.post("/keys/root/wrapkey", operation("RSA-OAEP-256", base64url(dek))).status == 400);
  std::string broken = *from_base64url(wrapped.at("value"));
  broken[3] = static_cast<char>(broken[3] ^ 1);
  CHECK(azure.post("/keys/root/unwrapkey", operation(algorithm, base64url(broken))).status == 400);
}

TEST_CASE("AES-GCM chooses its own IV and holds the AAD") {
  AzureCaller azure(hsm_with("{ name: root, kty: oct-HSM, size: 256 }"));
  azure.use("hsm1.managedhsm.azure.net");
  json::object body{{"alg", "A256GCM"}, {"value", base64url(dek)}, {"aad", base64url("disk-7")}};
  auto const sealed = azure.post("/keys/root/encrypt", body);
  REQUIRE(sealed.status == 200);
  CHECK(from_base64url(sealed.at("iv"))->size() == 12);
  json::object open{{"alg", "A256GCM"},
                    {"value", sealed.at("value")},
                    {"iv", sealed.at("iv")},
                    {"tag", sealed.at("tag")},
                    {"aad", base64url("disk-7")}};
  CHECK(from_base64url(azure.post("/keys/root/decrypt", open).at("value")) == dek);
  open["aad"] = base64url("disk-8");
  CHECK(azure.post("/keys/root/decrypt", open).status == 400);
}

TEST_CASE("AES-CBC takes the client's IV") {
  AzureCaller azure(hsm_with("{ name: root, kty: oct-HSM, size: 128 }"));
  azure.use("hsm1.managedhsm.azure.net");
  std::string const iv = base64url(std::string(16, 'i'));
  json::object body{{"alg", "A128CBCPAD"}, {"value", base64url("odd length")}, {"iv", iv}};
  auto const sealed = azure.post("/keys/root/encrypt", body);
  REQUIRE(sealed.status == 200);
  body["value"] = sealed.at("value");
  CHECK(from_base64url(azure.post("/keys/root/decrypt", body).at("value")) == "odd length");
  body["alg"] = "A128CBC";
  body["value"] = base64url("odd length");
  CHECK(azure.post("/keys/root/encrypt", body).status == 400);
}

TEST_CASE("A disabled key does not unwrap, but wraps as the live service was seen to") {
  AzureCaller azure(vault_with("{ name: root }"));
  auto const wrapped = azure.post("/keys/root/wrapkey", operation("RSA-OAEP", base64url(dek)));
  CHECK(azure.patch("/keys/root", {{"attributes", {{"enabled", false}}}}).status == 200);
  auto const refused = azure.post("/keys/root/unwrapkey", operation("RSA-OAEP", wrapped.at("value")));
  CHECK(refused.status == 403);
  CHECK(refused.at("error/innererror/code") == "KeyDisabled");
  CHECK(azure.post("/keys/root/wrapkey", operation("RSA-OAEP", base64url(dek))).status == 200);
}

TEST_CASE("A vault can be told to keep to the documentation and refuse to wrap with a disabled key") {
  AzureCaller azure(
      "- { name: kv1, tenant: 11111111-2222-4333-8444-555555555555, disabled_keys_wrap: false, "
      "keys: [{ name: root, enabled: false }] }");
  auto const refused = azure.post("/keys/root/wrapkey", operation("RSA-OAEP", base64url(dek)));
  CHECK(refused.status == 403);
  CHECK(refused.at("error/innererror/code") == "KeyDisabled");
}

TEST_CASE("An expired version unwraps and no longer wraps, and one not yet valid likewise") {
  AzureCaller azure(vault_with("{ name: root }"));
  auto const wrapped = azure.post("/keys/root/wrapkey", operation("RSA-OAEP", base64url(dek)));
  auto const now = azure.now.time_since_epoch().count();
  auto const attributes = GENERATE_COPY(json::object{{"exp", now - 1}}, json::object{{"nbf", now + 3600}});
  CHECK(azure.patch("/keys/root", {{"attributes", attributes}}).status == 200);
  CHECK(azure.post("/keys/root/wrapkey", operation("RSA-OAEP", base64url(dek))).status == 403);
  CHECK(azure.post("/keys/root/encrypt", operation("RSA-OAEP", base64url(dek))).status == 403);
  CHECK(azure.post("/keys/root/unwrapkey", operation("RSA-OAEP", wrapped.at("value"))).status == 200);
}

TEST_CASE("An operation that is not in key_ops is forbidden") {
  AzureCaller azure(vault_with("{ name: root, key_ops: [wrapKey] }"));
  auto const wrapped = azure.post("/keys/root/wrapkey", operation("RSA-OAEP", base64url(dek)));
  auto const refused = azure.post("/keys/root/unwrapkey", operation("RSA-OAEP", wrapped.at("value")));
  CHECK(refused.status == 403);
  CHECK(refused.at("error/innererror/code") == "KeyOperationForbidden");
  CHECK(refused.at("error/message") == "Operation unwrapKey is not permitted on this key.");
}

TEST_CASE("Values that are not base64url are refused") {
  AzureCaller azure(vault_with("{ name: root }"));
  CHECK(azure.post("/keys/root/wrapkey", operation("RSA-OAEP", "+/+/")).status == 400);
  CHECK(azure.post("/keys/root/wrapkey", {{"alg", "RSA-OAEP"}}).status == 400);
  CHECK(azure.post("/keys/root/unwrapkey", operation("RSA-OAEP", base64url("rubbish"))).status == 400);
  CHECK(azure.post("/keys/root/wrapkey", operation("ROT13", base64url(dek))).status == 400);
}
