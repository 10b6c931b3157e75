// Secure import: material that travels wrapped for the service's HSM.
#include "providers/ibm/import_token.hpp"

#include "tests/contract/ibm/ibm_world.hpp"
#include "tests/simulator/crypto.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <memory>

using namespace rekeyd::sim::ibm;
using namespace rekeyd::sim;
using std::chrono::seconds;

namespace {

std::string const rotate_path = std::string("/keys/") + root + "/actions/rotate";
constexpr char material[] = "0123456789abcdef0123456789abcdef";

IbmWorld imported_key() {
  return IbmWorld(
      fmt::format("[{{ name: payments, id: {}, imported: true, created: 14 months ago }}]", root));
}

struct Token {
  std::string public_key;  ///< PEM
  std::string nonce;
};

Token token_of(Reply const& reply) {
  REQUIRE(reply.status == 200);
  return {*from_base64(reply.text_at("/payload")), *from_base64(reply.text_at("/nonce"))};
}

std::string oaep(std::string const& pem, EVP_MD const* digest) {
  std::unique_ptr<BIO, decltype(&BIO_free)> const memory(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> const key(
      PEM_read_bio_PUBKEY(memory.get(), nullptr, nullptr, nullptr), &EVP_PKEY_free);
  REQUIRE(key);
  std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> const context(
      EVP_PKEY_CTX_new(key.get(), nullptr), &EVP_PKEY_CTX_free);
  EVP_PKEY_encrypt_init(context.get());
  EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING);
  EVP_PKEY_CTX_set_rsa_oaep_md(context.get(), digest);
  EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), digest);
  std::string cipher(static_cast<std::size_t>(EVP_PKEY_get_size(key.get())), '\0');
  std::size_t size = cipher.size();
  REQUIRE(EVP_PKEY_encrypt(context.get(), reinterpret_cast<unsigned char*>(cipher.data()), &size,
                           reinterpret_cast<unsigned char const*>(material), 32) == 1);
  return cipher;
}

std::string body_of(std::string const& payload, std::string const& nonce, std::string const& iv,
                    char const* algorithm) {
  return fmt::format(R"({{"payload":"{}","encryptedNonce":"{}","iv":"{}","encryptionAlgorithm":"{}"}})",
                     base64(payload), base64(nonce), base64(iv), algorithm);
}

/// As Key Protect's tutorial does it.
std::string sealed(Token const& token) {
  std::string const iv = "an iv, of 12";
  auto const nonce = aes_gcm_seal(material, iv, "", token.nonce);
  return body_of(oaep(token.public_key, EVP_sha256()), nonce.cipher + nonce.tag, iv, "RSAES_OAEP_SHA_256");
}

/// As HPCS's does.
std::string sealed_for_hpcs(Token const& token) {
  std::string const iv = "an iv of 16 byte";
  return body_of(oaep(token.public_key, EVP_sha1()), *aes_cbc_encrypt(material, iv, true, token.nonce), iv,
                 "RSAES_OAEP_SHA_1");
}

std::string changed(std::string body, std::string const& member) {
  auto const at = body.find("\"" + member + "\":\"") + member.size() + 4;
  body[at] = body[at] == 'A' ? 'B' : 'A';
  return body;
}

}  // namespace

TEST_CASE("An import token is told without its key, and each reading with it uses one up") {
  IbmWorld world;
  CHECK(world.get("/import_token").status == 404);
  auto const made = world.post("/import_token", R"({"expiration":300,"maxAllowedRetrievals":2})");
  CHECK(made.status == 200);
  CHECK(made.text_at("/payload").empty());
  CHECK(made.text_at("/remainingRetrievals") == "2");
  auto const first = world.get("/import_token");
  CHECK(first.status == 200);
  CHECK(from_base64(first.text_at("/nonce"))->size() == 12);
  CHECK(from_base64(first.text_at("/payload"))->starts_with("-----BEGIN PUBLIC KEY-----"));
  CHECK(world.get("/import_token").text_at("/remainingRetrievals") == "0");
  CHECK(world.get("/import_token").code() == "IMPORT_TOKEN_EXPIRED_ERR");
  CHECK(world.post("/import_token", R"({"expiration":299})").code() == "INVALID_FIELD_ERR");
  CHECK(world.post("/import_token", R"({"maxAllowedRetrievals":501})").code() == "INVALID_FIELD_ERR");
  CHECK(world.post("/import_token", R"({"uses":1})").code() == "BAD_BODY_ERR");
  world.at_instance(dedicated).under_host(std::string(dedicated) + ".api.eu-de.kms.appdomain.cloud");
  CHECK(world.post("/import_token").status == 404);
}

TEST_CASE("Wrapped material rotates an imported key if it was wrapped for the token in force") {
  IbmWorld world = imported_key();
  REQUIRE(world.post("/import_token").status == 200);
  auto const token = token_of(world.get("/import_token"));
  CHECK(world.post(rotate_path, changed(sealed(token), "encryptedNonce")).code() == "INCORRECT_NONCE_ERR");
  CHECK(world.post(rotate_path, changed(sealed(token), "iv")).code() == "INCORRECT_NONCE_ERR");
  CHECK(world.post(rotate_path, changed(sealed(token), "payload")).code() == "INVALID_FIELD_ERR");
  CHECK(world.post(rotate_path, sealed_for_hpcs(token)).code() == "INVALID_FIELD_ERR");
  auto const before = world.current_version(root);
  CHECK(world.post(rotate_path, sealed(token)).status == 204);
  CHECK(world.current_version(root) != before);
}

TEST_CASE("A token that ran out, or was replaced, opens nothing") {
  IbmWorld world = imported_key();
  REQUIRE(world.post("/import_token", R"({"expiration":300})").status == 200);
  auto const token = token_of(world.get("/import_token"));
  SECTION("ran out") {
    world.pass(seconds(300));
    CHECK(world.post(rotate_path, sealed(token)).code() == "IMPORT_TOKEN_EXPIRED_ERR");
  }
  SECTION("replaced") {
    REQUIRE(world.post("/import_token").status == 200);
    CHECK(world.post(rotate_path, sealed(token)).code() == "INCORRECT_NONCE_ERR");
  }
}

TEST_CASE("HPCS wraps with SHA-1 and AES-CBC") {
  IbmWorld world;
  world.at_instance(hpcs).under_host(std::string(hpcs) + ".api.us-east.hs-crypto.appdomain.cloud");
  auto const made = world.post("/keys", envelope(R"({"name":"imported","extractable":false,"payload":")" +
                                                 base64(std::string(32, 'k')) + R"("})"));
  REQUIRE(made.status == 201);
  auto const path = "/keys/" + made.text_at("/resources/0/id") + "/actions/rotate";
  REQUIRE(world.post("/import_token").status == 200);
  auto const token = token_of(world.get("/import_token"));
  CHECK(world.post(path, sealed(token)).code() == "INVALID_FIELD_ERR");
  CHECK(world.post(path, sealed_for_hpcs(token)).status == 204);
}
