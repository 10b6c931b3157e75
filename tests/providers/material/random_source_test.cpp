#include "providers/material/random_source.hpp"

#include "tests/providers/material/material_samples.hpp"

#include <catch2/catch.hpp>

using namespace rekeyd;
using namespace rekeyd::providers;
using namespace rekeyd::test;

namespace {

std::unique_ptr<MaterialSource> source(std::optional<unsigned> bits = std::nullopt) {
  return make_random_source({MaterialSourceName("fresh"), bits});
}

}  // namespace

TEST_CASE("random material has the size that the key has, and is another each time") {
  auto const bits = GENERATE(128U, 192U, 256U);
  auto const fresh = source();
  auto const first = drawn(*fresh, wanted(KeyAlgorithm::aes, bits));
  auto const second = drawn(*fresh, wanted(KeyAlgorithm::aes, bits));
  REQUIRE(first);
  REQUIRE(second);
  CHECK((*first)->type.bits == bits);
  CHECK((*first)->bytes.size() == bits / 8);
  CHECK_FALSE((*first)->bytes.same_as((*second)->bytes));
  CHECK_FALSE(fresh->may_repeat());
}

TEST_CASE("a random RSA key is made on another thread and comes back whole") {
  auto const made = drawn(*source(), wanted(KeyAlgorithm::rsa, 2048));
  REQUIRE(made);
  CHECK((*made)->type.bits == 2048);
  CHECK((*made)->fingerprint.starts_with("spki-sha256:"));
  auto const key = open_pair(**made);
  REQUIRE(key);
  CHECK(EVP_PKEY_get_bits(key.get()) == 2048);
}

TEST_CASE("a random elliptic-curve key is on NIST's curve of its size") {
  auto const bits = GENERATE(256U, 384U, 521U);
  auto const made = drawn(*source(), wanted(KeyAlgorithm::ec, bits));
  REQUIRE(made);
  CHECK((*made)->type == KeyType{KeyAlgorithm::ec, bits});
  auto const key = open_pair(**made);
  REQUIRE(key);
  REQUIRE(jwk_curve(*key));
  CHECK(jwk_curve(*key)->name == "P-" + std::to_string(bits));
}

TEST_CASE("where nobody tells a symmetric key's size the source has to say it, and is never guessed") {
  auto const unknown = seen(*source(), wanted(KeyAlgorithm::aes, 0));
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().code == "material_size_unknown");
  CHECK(unknown.error().error_class == ErrorClass::permanent);
  auto const said = drawn(*source(192), wanted(KeyAlgorithm::aes, 0));
  REQUIRE(said);
  CHECK((*said)->type.bits == 192);
  auto const told = drawn(*source(192), wanted(KeyAlgorithm::aes, 256));
  REQUIRE(told);
  CHECK((*told)->type.bits == 256);
}

TEST_CASE("kinds and sizes that are not made are refused with a reason") {
  auto const what =
      GENERATE(wanted(KeyAlgorithm::ec, 255), wanted(KeyAlgorithm::rsa, 1024), wanted(KeyAlgorithm::rsa, 0),
               wanted(KeyAlgorithm::aes, 64), wanted(KeyAlgorithm::other, 0));
  auto const refused = drawn(*source(256), what);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == "material_unfit");
  CHECK(refused.error().delivery == Delivery::not_sent);
}
