#include "providers/azure/key_vault_import_json.hpp"

#include "providers/azure/letter_case.hpp"
#include "providers/encoding.hpp"

#include <boost/json.hpp>
#include <openssl/bn.h>
#include <openssl/core_names.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace rekeyd::providers::azure {

namespace json = boost::json;

namespace {

using Number = std::unique_ptr<BIGNUM, Free<BN_clear_free>>;

/// RFC 7518, section 6.3: a JWK's name of a number and OpenSSL's. Unsigned, big-endian, no leading zeros.
constexpr std::array<std::pair<char const*, char const*>, 8> rsa_members{{
    {"n", OSSL_PKEY_PARAM_RSA_N},
    {"e", OSSL_PKEY_PARAM_RSA_E},
    {"d", OSSL_PKEY_PARAM_RSA_D},
    {"p", OSSL_PKEY_PARAM_RSA_FACTOR1},
    {"q", OSSL_PKEY_PARAM_RSA_FACTOR2},
    {"dp", OSSL_PKEY_PARAM_RSA_EXPONENT1},
    {"dq", OSSL_PKEY_PARAM_RSA_EXPONENT2},
    {"qi", OSSL_PKEY_PARAM_RSA_COEFFICIENT1},
}};

/// RFC 7518, section 6.2: coordinates and the private number have the length of the curve's field.
constexpr std::array<std::pair<char const*, char const*>, 3> ec_members{{
    {"x", OSSL_PKEY_PARAM_EC_PUB_X},
    {"y", OSSL_PKEY_PARAM_EC_PUB_Y},
    {"d", OSSL_PKEY_PARAM_PRIV_KEY},
}};

/// Of `size` bytes, or of as many as it takes.
Secret number_in(EVP_PKEY const& key, char const* parameter, std::size_t size = 0) {
  Number owned(BN_secure_new());
  BIGNUM* number = owned.get();
  if (EVP_PKEY_get_bn_param(&key, parameter, &number) != 1) return {};
  Secret bytes = Secret::of_size(std::max(size, static_cast<std::size_t>(BN_num_bytes(number))));
  BN_bn2binpad(number, reinterpret_cast<unsigned char*>(bytes.writable().data()),
               static_cast<int>(bytes.size()));
  return bytes;
}

/// The same number, whatever zeros it begins with.
bool is_number(std::string_view base64url, Secret const& number) {
  auto bytes = from_base64url(base64url);
  if (!bytes || number.empty()) return false;
  bytes->erase(0, std::min(bytes->find_first_not_of('\0'), bytes->size()));
  return *bytes == number.reveal();
}

void append_member(Body& body, char const* name, Secret const& value) {
  body.append(",\"").append(name).append("\":\"");
  append_base64url(body, value);
  body.push_back('"');
}

void append_numbers(Body& body, KeyMaterial const& material) {
  auto const key = open_pair(material);
  if (!key) return;
  if (material.type.algorithm == KeyAlgorithm::rsa) {
    for (auto const& [member, parameter] : rsa_members) {
      append_member(body, member, number_in(*key, parameter));
    }
    return;
  }
  std::size_t const field = (material.type.bits + 7) / 8;
  for (auto const& [member, parameter] : ec_members) {
    append_member(body, member, number_in(*key, parameter, field));
  }
}

bool is_hsm_type(std::string const& key_type) { return lower_case(key_type).ends_with("-hsm"); }

/// All that is no secret, in the form of the create call's body, which names the same things.
json::object told(CreateKey const& next) {
  auto const body = write_create_key(next);
  json::object object = json::parse(json::string_view(body.data(), body.size())).as_object();
  for (char const* const inside_the_jwk : {"kty", "key_ops", "key_size", "public_exponent", "crv"}) {
    object.erase(inside_the_jwk);
  }
  if (is_hsm_type(next.key_type)) object["Hsm"] = true;
  return object;
}

}  // namespace

Body write_import_key(CreateKey const& next, KeyMaterial const& material) {
  json::object public_half{{"kty", next.key_type}};
  if (auto const curve = curve_of(material); !curve.empty()) public_half["crv"] = curve;
  if (!next.operations.empty()) {
    json::array operations;
    for (auto const& operation : next.operations) operations.emplace_back(operation);
    public_half["key_ops"] = std::move(operations);
  }
  std::string const jwk = json::serialize(public_half);
  std::string const rest = json::serialize(told(next));
  Body body;
  body.reserve(jwk.size() + rest.size() + material.bytes.size() * 2 + 128);
  body.append(R"({"key":)").append(jwk);
  body.pop_back();  // The JWK's brace: its private members follow.
  if (material.type.algorithm == KeyAlgorithm::aes) {
    append_member(body, "k", material.bytes);
  } else {
    append_numbers(body, material);
  }
  body.append("},").append(rest, 1);
  return body;
}

bool is_key_of(KeyBundle const& version, KeyMaterial const& material) {
  if (material.type.algorithm == KeyAlgorithm::aes) return false;
  auto const key = open_pair(material);
  if (!key) return false;
  if (material.type.algorithm == KeyAlgorithm::ec) {
    return is_number(version.x, number_in(*key, OSSL_PKEY_PARAM_EC_PUB_X)) &&
           is_number(version.y, number_in(*key, OSSL_PKEY_PARAM_EC_PUB_Y));
  }
  return is_number(version.modulus, number_in(*key, OSSL_PKEY_PARAM_RSA_N));
}

std::string curve_of(KeyMaterial const& material) {
  if (material.type.algorithm != KeyAlgorithm::ec) return {};
  auto const key = open_pair(material);
  auto const* const curve = key ? jwk_curve(*key) : nullptr;
  return curve == nullptr ? "" : curve->name;
}

}  // namespace rekeyd::providers::azure
