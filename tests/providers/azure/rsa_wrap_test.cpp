#include "providers/azure/rsa_wrap.hpp"

#include "providers/encoding.hpp"
#include "tests/providers/azure/rsa_key.hpp"

#include <catch2/catch.hpp>

using namespace rekeyd;
using namespace rekeyd::providers;
using namespace rekeyd::providers::azure;

TEST_CASE("what is wrapped with the public half is unwrapped by the private one") {
  auto const& key = test::rsa_key();
  auto const wrapper = RsaPublicKey::from_jwk(key.modulus(), key.exponent(), "x");
  REQUIRE(wrapper);
  CHECK(wrapper->plaintext_bytes_max() == 190);
  auto const size = GENERATE(1U, 16U, 32U, 190U);
  std::string const dek(size, '\x5a');
  auto const wrapped = wrapper->wrap(Secret(dek), "x");
  REQUIRE(wrapped);
  CHECK(wrapped->find_first_of("+/=") == std::string::npos);
  CHECK(key.unwrap_oaep_256(*wrapped) == dek);
}

TEST_CASE("a DEK of a length that cannot be wrapped is refused") {
  auto const& key = test::rsa_key();
  auto const wrapper = RsaPublicKey::from_jwk(key.modulus(), key.exponent(), "x");
  REQUIRE(wrapper);
  for (std::size_t const size : {std::size_t{0}, std::size_t{191}, std::size_t{5000}}) {
    auto const wrapped = wrapper->wrap(Secret(std::string(size, 'x')), "the DEK");
    REQUIRE_FALSE(wrapped);
    CHECK(wrapped.error().error_class == ErrorClass::permanent);
    CHECK(wrapped.error().where == "the DEK");
  }
}

TEST_CASE("numbers that are no RSA public key are malformed") {
  std::string const n = test::rsa_key().modulus();
  auto const even = to_base64url("\xff" + std::string(255, '\x02'));
  auto const small = to_base64url("\xff" + std::string(126, '\x01') + "\x01");
  auto const [modulus, exponent] =
      GENERATE_COPY(table<std::string, std::string>({{"", "AQAB"},
                                                     {n, ""},
                                                     {n, "AQ"},
                                                     {n, "AAI"},
                                                     {n, "not base64!"},
                                                     {"****", "AQAB"},
                                                     {even, "AQAB"},
                                                     {small, "AQAB"},
                                                     {std::string(400'000, 'A'), "AQAB"},
                                                     {n, n}}));
  auto const wrapper = RsaPublicKey::from_jwk(modulus, exponent, "x");
  REQUIRE_FALSE(wrapper);
  CHECK(wrapper.error().error_class == ErrorClass::malformed);
}

TEST_CASE("a leading zero byte and padding in the modulus change nothing") {
  auto const& key = test::rsa_key();
  auto const bytes = from_base64url(key.modulus());
  REQUIRE(bytes);
  auto const wrapper = RsaPublicKey::from_jwk(to_base64url(std::string(1, '\0') + *bytes), "AQAB", "x");
  REQUIRE(wrapper);
  CHECK(wrapper->plaintext_bytes_max() == 190);
}
