#include "providers/azure/key_vault_import_json.hpp"
#include "providers/encoding.hpp"
#include "tests/providers/azure/vault_world.hpp"
#include "tests/providers/material/material_samples.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/pem.h>

using namespace rekeyd;
using namespace rekeyd::providers;
using namespace rekeyd::test;

namespace {

namespace json = boost::json;

constexpr char import_call[] = "PUT /keys/cmk";
constexpr char create_call[] = "POST /keys/cmk/create";

KeyMaterialPtr rsa_of(unsigned bits = 2048) {
  std::string const& pem = rsa_pem(bits);
  std::unique_ptr<BIO, Free<BIO_free>> const memory(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  PrivateKey const key(PEM_read_bio_PrivateKey(memory.get(), nullptr, nullptr, nullptr));
  return pair_material(*key, "a test").value();
}

KeyMaterialPtr aes_of(std::string_view bytes = "0123456789abcdef0123456789abcdef") {
  return symmetric_material(Secret(bytes), "a test").value();
}

BundleText made(VaultWorld const& world) {
  auto text = world.version('2', 5'000'000);
  text.members["tags"] = R"({"rekeyd-op":"op-1","rekeyd-origin":"imported"})";
  return text;
}

json::value body_of(VaultWorld& world) {
  auto const sent = world.sent(import_call);
  REQUIRE(sent.size() == 1);
  return json::parse(std::string(sent[0].body));
}

std::string modulus_in(json::value const& body) { return std::string(body.at("key").at("n").as_string()); }

KeyMaterialPtr ec_of(char const* group) {
  PrivateKey const key(EVP_EC_gen(group));
  return pair_material(*key, "a test").value();
}

/// A version of an elliptic-curve key; its public half is that of `material`.
BundleText ec_version(VaultWorld const& world, char version, std::string const& curve,
                      KeyMaterialPtr const& material) {
  azure::CreateKey next;
  next.key_type = "EC";
  auto const body = azure::write_import_key(next, *material);
  auto const jwk = json::parse(json::string_view(body.data(), body.size())).at("key");
  auto text = world.version(version);
  json::object const key{{"kid", "https://pay.vault.azure.net/keys/cmk/" + text.version},
                         {"kty", "EC"},
                         {"crv", curve},
                         {"x", jwk.at("x")},
                         {"y", jwk.at("y")},
                         {"key_ops", {"sign", "verify"}}};
  text.key = json::serialize(key);
  return text;
}

}  // namespace

TEST_CASE("an elliptic-curve key is imported with its curve and coordinates of the field's length") {
  auto const [group, curve, bytes] =
      GENERATE(table<char const*, std::string, std::size_t>({{"prime256v1", "P-256", 32},
                                                             {"secp384r1", "P-384", 48},
                                                             {"secp521r1", "P-521", 66},
                                                             {"secp256k1", "P-256K", 32}}));
  azure::CreateKey next;
  next.key_type = "EC-HSM";
  next.operations = {"sign"};
  auto const body = azure::write_import_key(next, *ec_of(group));
  auto const sent = json::parse(json::string_view(body.data(), body.size()));
  CHECK(sent.at("Hsm") == true);
  json::object const& key = sent.at("key").as_object();
  CHECK(key.at("kty") == "EC-HSM");
  CHECK(std::string(key.at("crv").as_string()) == curve);
  for (char const* const member : {"x", "y", "d"}) {
    INFO(member);
    CHECK(from_base64url(std::string(key.at(member).as_string()))->size() == bytes);
  }
}

TEST_CASE("an elliptic-curve key that the version has already, or on another curve, is not imported") {
  VaultWorld world;
  auto const current = ec_of("prime256v1");
  world.show_versions({ec_version(world, '1', "P-256", current)});
  auto order = world.order();
  std::string code;
  SECTION("the same") {
    order.material = current;
    code = "material_not_renewed";
  }
  SECTION("another curve of that size") {
    order.material = ec_of("secp256k1");
    code = "material_unfit";
  }
  SECTION("another size") {
    order.material = ec_of("secp384r1");
    code = "material_unfit";
  }
  auto const refused = world.run(world.provider->rotate(order, world.deadline()));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == code);
  CHECK(world.sent(import_call).empty());
}

TEST_CASE("an import carries the whole key pair, what the old version had, and the operation id") {
  VaultWorld world;
  auto old = world.version('1');
  old.members["tags"] = R"({"tier":"pci","rekeyd-origin":"imported"})";
  world.show_versions({old});
  world.on(import_call, made(world).str());
  auto order = world.order();
  order.material = rsa_of();
  auto const receipt = world.run(world.provider->rotate(order, world.deadline()));
  REQUIRE(receipt);
  CHECK(receipt->version->operation == RotationId("op-1"));
  CHECK(receipt->evidence.notes.at("rotation_call") == "import");
  CHECK(receipt->evidence.notes.at("material") == order.material->fingerprint);

  auto const body = body_of(world);
  CHECK(body.at("Hsm") == true);
  CHECK(body.at("tags") == json::parse(R"({"tier":"pci","rekeyd-origin":"imported","rekeyd-op":"op-1"})"));
  CHECK(body.at("attributes").at("enabled") == true);
  CHECK_FALSE(body.as_object().contains("kty"));
  json::object const& key = body.at("key").as_object();
  CHECK(key.at("kty") == "RSA-HSM");
  CHECK(key.at("key_ops") == json::parse(R"(["unwrapKey","wrapKey"])"));
  for (char const* const member : {"n", "e", "d", "p", "q", "dp", "dq", "qi"}) {
    INFO(member);
    auto const number = from_base64url(std::string(key.at(member).as_string()));
    REQUIRE(number);
    CHECK(number->size() >= 3);
    CHECK(number->front() != '\0');
  }
  CHECK(from_base64url(modulus_in(body))->size() == 256);
}

TEST_CASE("a software key is imported as one, and one without a mark gets it") {
  VaultWorld world;
  auto old = world.version('1');
  old.kty = "RSA";
  world.show_versions({old});
  world.on(import_call, made(world).str());
  auto order = world.order();
  order.material = rsa_of();
  REQUIRE(world.run(world.provider->rotate(order, world.deadline())));
  auto const body = body_of(world);
  CHECK_FALSE(body.as_object().contains("Hsm"));
  CHECK(body.at("key").at("kty") == "RSA");
  CHECK(body.at("tags").at("rekeyd-origin") == "imported");
}

TEST_CASE("a symmetric key is imported with its k and nothing of RSA") {
  VaultWorld world(AzureKind::managed_hsm);
  auto old = world.version('1');
  old.kty = "oct-HSM";
  old.attributes["key_size"] = "256";
  world.show_versions({old});
  world.on(import_call, made(world).str());
  auto order = world.order();
  order.material = aes_of();
  REQUIRE(world.run(world.provider->rotate(order, world.deadline())));
  json::object const key = body_of(world).at("key").as_object();
  CHECK(from_base64url(std::string(key.at("k").as_string())) == "0123456789abcdef0123456789abcdef");
  CHECK_FALSE(key.contains("n"));
}

TEST_CASE("nothing is imported where material and key do not go together") {
  VaultWorld world;
  auto current = world.version('1');
  auto order = world.order();
  order.material = rsa_of();
  std::string code;
  SECTION("another size") {
    order.material = rsa_of(3072);
    code = "material_unfit";
  }
  SECTION("another kind") {
    order.material = aes_of();
    code = "material_unfit";
  }
  SECTION("the key pair that the current version has") {
    auto const key = open_pair(*order.material);
    BIGNUM* n = nullptr;
    REQUIRE(EVP_PKEY_get_bn_param(key.get(), "n", &n) == 1);
    std::string bytes(static_cast<std::size_t>(BN_num_bytes(n)), '\0');
    BN_bn2bin(n, reinterpret_cast<unsigned char*>(bytes.data()));
    BN_free(n);
    current.modulus = to_base64url(bytes);
    code = "material_not_renewed";
  }
  SECTION("a key outside Azure") {
    current.attributes["external_key"] = R"({"id":"abc"})";
    code = "external_key";
  }
  SECTION("an elliptic curve") {
    current.kty = "EC-HSM";
    current.key = R"({"kid":"https://pay.vault.azure.net/keys/cmk/)" + current.version +
                  R"(","kty":"EC-HSM","crv":"P-256"})";
    code = "material_unfit";
  }
  SECTION("no room for the operation id") {
    std::string tags;
    for (int i = 0; i < 15; ++i) tags += (i > 0 ? ",\"t" : "\"t") + std::to_string(i) + "\":\"x\"";
    current.members["tags"] = "{" + tags + "}";
    code = "tags_full";
  }
  world.show_versions({current});
  auto const receipt = world.run(world.provider->rotate(order, world.deadline()));
  REQUIRE_FALSE(receipt);
  CHECK(receipt.error().code == code);
  CHECK(receipt.error().error_class == ErrorClass::permanent);
  CHECK(receipt.error().delivery == Delivery::not_sent);
  CHECK_FALSE(receipt.error().remedy.empty());
  CHECK(world.sent(import_call).empty());
  CHECK(world.sent(create_call).empty());
}

TEST_CASE("an import is sent once, whatever comes of it, and a lost answer says so") {
  VaultWorld world;
  world.show_versions({world.version('1')});
  world.on(import_call, CloudScript::Reply(network_error(Delivery::maybe_applied)));
  auto order = world.order();
  order.material = rsa_of();
  auto const receipt = world.run(world.provider->rotate(order, world.deadline()));
  REQUIRE_FALSE(receipt);
  CHECK(receipt.error().delivery == Delivery::maybe_applied);
  CHECK(world.sent(import_call).size() == 1);
}

TEST_CASE("an answer to an import that cannot be used may have taken effect") {
  VaultWorld world;
  world.show_versions({world.version('1')});
  auto answer = made(world);
  answer.members["tags"] = R"({"rekeyd-op":"another"})";
  world.on(import_call, answer.str());
  auto order = world.order();
  order.material = rsa_of();
  auto const receipt = world.run(world.provider->rotate(order, world.deadline()));
  REQUIRE_FALSE(receipt);
  CHECK(receipt.error().delivery == Delivery::maybe_applied);
}

TEST_CASE("preflight of an imported key tells of the import, by its mark or by the policy's word") {
  VaultWorld world;
  auto old = world.version('1');
  auto key = world.order().key;
  SECTION("mark") { old.members["tags"] = R"({"rekeyd-origin":"imported"})"; }
  SECTION("policy") { key.origin = Origin::imported; }
  world.show_versions({old});
  auto const ready = world.run(world.provider->preflight_rotate(key, world.deadline()));
  REQUIRE(ready);
  CHECK(ready->notes.at("rotation_call") == "import");
}
