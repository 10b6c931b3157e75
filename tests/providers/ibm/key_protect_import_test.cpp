#include "providers/encoding.hpp"
#include "providers/ibm/key_protect.hpp"
#include "providers/ibm/key_protect_provider.hpp"
#include "tests/providers/cloud_script.hpp"
#include "tests/providers/ibm/pay_instance.hpp"
#include "tests/support/openssl_handles.hpp"
#include "tests/support/rsa_pem.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <openssl/pem.h>

#include <utility>

using namespace rekeyd;
using namespace rekeyd::providers;
using namespace rekeyd::test;

namespace {

constexpr char material[] = "0123456789abcdef0123456789abcdef";
std::string const metadata_call = "GET /api/v2/keys/k-1/metadata";
std::string const rotate_call = "POST /api/v2/keys/k-1/actions/rotate";

struct ImportWorld : CloudScript {
  explicit ImportWorld(bool with_token = false) {
    KeyProtectOptions options = test::pay_instance();
    options.import_with_token = with_token;
    provider = make_key_protect(*client, credentials, loop.clock, random, options);
    order.operation = RotationId("op-1");
    order.key.ref = {ProviderName("ibm-test"), VaultName("pay"), KeyId("k-1")};
    order.material = symmetric_material(Secret(std::string_view(material)), "a test").value();
  }
  void show(bool imported) {
    on(metadata_call, std::string(R"({"resources":[{"id":"k-1","state":1,"extractable":false,"imported":)") +
                          (imported ? "true" : "false") + "}]}");
  }
  Result<RotateReceipt> rotate() { return loop.run(provider->rotate(order, deadline())); }

  std::unique_ptr<KmsProvider> provider;
  RotateOrder order;
};

}  // namespace

TEST_CASE("an imported root key is rotated with the material as its payload, sent once") {
  ImportWorld world;
  world.show(true);
  world.on(rotate_call, answer(204, ""));
  auto const receipt = world.rotate();
  REQUIRE(receipt);
  auto const sent = world.sent(rotate_call);
  REQUIRE(sent.size() == 1);
  CHECK(std::string(sent[0].body) == R"({"payload":")" + to_base64(material) + R"("})");
  CHECK(receipt->evidence.notes.at("material") == world.order.material->fingerprint);
}

TEST_CASE("a lost answer to an import is not sent again") {
  ImportWorld world;
  world.show(true);
  world.on(rotate_call, CloudScript::Reply(network_error(Delivery::maybe_applied)));
  auto const receipt = world.rotate();
  REQUIRE_FALSE(receipt);
  CHECK(receipt.error().delivery == Delivery::maybe_applied);
  CHECK(world.sent(rotate_call).size() == 1);
}

TEST_CASE("material and key have to go together before anything is sent") {
  ImportWorld world;
  std::string code;
  SECTION("a generated key takes none") {
    world.show(false);
    code = "key_is_generated";
  }
  SECTION("an RSA key is none of the service's root keys") {
    world.show(true);
    KeyMaterial rsa{{KeyAlgorithm::rsa, 2048}, Secret(std::string_view("der")), "spki-sha256:0"};
    world.order.material = std::make_shared<KeyMaterial const>(std::move(rsa));
    code = "material_unfit";
  }
  auto const receipt = world.rotate();
  REQUIRE_FALSE(receipt);
  CHECK(receipt.error().code == code);
  CHECK(receipt.error().delivery == Delivery::not_sent);
  CHECK(world.sent(rotate_call).empty());
}

TEST_CASE("what the service refuses of a payload keeps its code and never tells the material") {
  ImportWorld world;
  world.show(true);
  world.on(rotate_call,
           answer(400, R"({"resources":[{"errorMsg":"Bad Request","reasons":[{"code":)"
                       R"("INVALID_FIELD_ERR","message":"The field 'payload' must be: right"}]}]})"));
  auto const receipt = world.rotate();
  REQUIRE_FALSE(receipt);
  CHECK(receipt.error().code == "INVALID_FIELD_ERR");
  CHECK(receipt.error().error_class == ErrorClass::permanent);
  CHECK_THAT(to_text(receipt.error()), !Catch::Contains(to_base64(material)));
}

namespace {

std::string const make_token = "POST /api/v2/import_token";
std::string const read_token = "GET /api/v2/import_token";

std::string public_key_pem() {
  std::string const& pem = rsa_pem();
  Bio const memory(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  Key const pair(PEM_read_bio_PrivateKey(memory.get(), nullptr, nullptr, nullptr));
  Bio const out(BIO_new(BIO_s_mem()));
  PEM_write_bio_PUBKEY(out.get(), pair.get());
  return text_of(out.get());
}

std::string token_text() {
  return R"({"payload":")" + to_base64(public_key_pem()) + R"(","nonce":")" + to_base64("twelve bytes") +
         "\"}";
}

}  // namespace

TEST_CASE("with import tokens the material is sent wrapped for a token of its own, and never in clear") {
  ImportWorld world(true);
  world.show(true);
  world.on(make_token, answer(200, "{}"));
  world.on(read_token, token_text());
  world.on(rotate_call, answer(204, ""));
  REQUIRE(world.rotate());
  REQUIRE(world.sent(make_token).size() == 1);
  REQUIRE(world.sent(read_token).size() == 1);
  auto const sent = world.sent(rotate_call);
  REQUIRE(sent.size() == 1);
  auto const body = boost::json::parse(std::string(sent[0].body));
  CHECK(body.at("encryptionAlgorithm") == "RSAES_OAEP_SHA_256");
  CHECK(from_base64(std::string(body.at("payload").as_string()))->size() == 256);
  CHECK(from_base64(std::string(body.at("encryptedNonce").as_string()))->size() == 12 + 16);
  CHECK(from_base64(std::string(body.at("iv").as_string()))->size() == 12);
  CHECK_THAT(std::string(sent[0].body), !Catch::Contains(to_base64(material)));
}

TEST_CASE("a token that cannot be had or used keeps the material here") {
  ImportWorld world(true);
  world.show(true);
  SECTION("not made") { world.on(make_token, answer(503, "busy")); }
  SECTION("used up between the two calls") {
    world.on(make_token, answer(200, "{}"));
    world.on(read_token, answer(409, R"({"resources":[{"reasons":[{"code":"IMPORT_TOKEN_EXPIRED_ERR"}]}]})"));
  }
  SECTION("lost on the way") {
    world.on(make_token, answer(200, "{}"));
    world.on(read_token, CloudScript::Reply(network_error(Delivery::maybe_applied)));
  }
  SECTION("no key in it") {
    world.on(make_token, answer(200, "{}"));
    world.on(read_token, R"({"payload":"AAAA","nonce":"AAAA"})");
  }
  SECTION("not even base64") {
    world.on(make_token, answer(200, "{}"));
    world.on(read_token, R"({"payload":"?","nonce":"AAAA"})");
  }
  auto const receipt = world.rotate();
  REQUIRE_FALSE(receipt);
  CHECK(receipt.error().delivery == Delivery::not_sent);
  CHECK(receipt.error().error_class != ErrorClass::permanent);
  CHECK(world.sent(rotate_call).empty());
}

TEST_CASE("a token that ran out or was replaced by another is no end: the next try has a new one") {
  auto const refusal =
      GENERATE(std::pair(409U, "IMPORT_TOKEN_EXPIRED_ERR"), std::pair(400U, "INCORRECT_NONCE_ERR"));
  ImportWorld world(true);
  world.show(true);
  world.on(make_token, answer(200, "{}"));
  world.on(read_token, token_text());
  world.on(rotate_call, answer(refusal.first, std::string(R"({"resources":[{"reasons":[{"code":")") +
                                                  refusal.second + R"("}]}]})"));
  auto const receipt = world.rotate();
  REQUIRE_FALSE(receipt);
  CHECK(receipt.error().error_class == ErrorClass::conflict);
  CHECK(receipt.error().delivery == Delivery::refused);
  CHECK(receipt.error().code == refusal.second);
}
