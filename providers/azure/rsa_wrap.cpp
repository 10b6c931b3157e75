#include "providers/azure/rsa_wrap.hpp"

#include "providers/encoding.hpp"
#include "providers/json_answer.hpp"
#include "providers/openssl_free.hpp"

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

namespace rekeyd::providers::azure {

namespace {

using BigNumber = std::unique_ptr<BIGNUM, Free<BN_free>>;
using ParameterBuilder = std::unique_ptr<OSSL_PARAM_BLD, Free<OSSL_PARAM_BLD_free>>;
using Parameters = std::unique_ptr<OSSL_PARAM, Free<OSSL_PARAM_free>>;
using Context = std::unique_ptr<EVP_PKEY_CTX, Free<EVP_PKEY_CTX_free>>;
using PublicKey = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;

constexpr std::size_t oaep_256_overhead = 66;  // Two SHA-256 digests and two bytes (RFC 8017, 7.1.1).
constexpr int bits_least = 2048;
constexpr int bits_most = 16384;

BigNumber read_number(std::string_view text) {
  auto const bytes = from_base64url(text);
  if (!bytes || bytes->empty() || bytes->size() > bits_most / 8 + 1) return nullptr;
  return BigNumber(BN_bin2bn(reinterpret_cast<unsigned char const*>(bytes->data()),
                             static_cast<int>(bytes->size()), nullptr));
}

// OpenSSL takes any two numbers for a key; these are the properties without which wrapping hides nothing.
bool plausible(BIGNUM const* modulus, BIGNUM const* exponent) {
  int const bits = BN_num_bits(modulus);
  return bits >= bits_least && bits <= bits_most && BN_is_odd(modulus) && BN_is_odd(exponent) &&
         !BN_is_one(exponent) && BN_num_bits(exponent) <= 64;
}

PublicKey make_key(BIGNUM const* modulus, BIGNUM const* exponent) {
  ParameterBuilder const builder(OSSL_PARAM_BLD_new());
  if (!builder || OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent) != 1) {
    return nullptr;
  }
  Parameters const parameters(OSSL_PARAM_BLD_to_param(builder.get()));
  Context const context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* key = nullptr;
  if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) {
    return nullptr;
  }
  return PublicKey(key);
}

Context oaep_256(EVP_PKEY* key) {
  Context context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  bool const ready = context && EVP_PKEY_encrypt_init(context.get()) == 1 &&
                     EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING) == 1 &&
                     EVP_PKEY_CTX_set_rsa_oaep_md(context.get(), EVP_sha256()) == 1 &&
                     EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), EVP_sha256()) == 1;
  if (!ready) return nullptr;
  return context;
}

Error cannot_wrap(std::string what, std::string const& where) {
  Error error;
  error.error_class = ErrorClass::permanent;
  error.delivery = Delivery::not_sent;
  error.what = std::move(what);
  error.where = where;
  return error;
}

}  // namespace

struct RsaPublicKey::Key {
  PublicKey pkey;
};

RsaPublicKey::RsaPublicKey(std::unique_ptr<Key> key) : key_(std::move(key)) {}
RsaPublicKey::RsaPublicKey(RsaPublicKey&&) noexcept = default;
RsaPublicKey& RsaPublicKey::operator=(RsaPublicKey&&) noexcept = default;
RsaPublicKey::~RsaPublicKey() = default;

Result<RsaPublicKey> RsaPublicKey::from_jwk(std::string_view modulus, std::string_view exponent,
                                            std::string const& where) {
  BigNumber const n = read_number(modulus);
  BigNumber const e = read_number(exponent);
  if (!n || !e || !plausible(n.get(), e.get())) {
    return std::unexpected(
        malformed_answer("key.n and key.e are no RSA public key of 2048 bits or more", where));
  }
  auto key = std::make_unique<Key>();
  key->pkey = make_key(n.get(), e.get());
  if (!key->pkey) return std::unexpected(malformed_answer("OpenSSL refuses key.n and key.e", where));
  return RsaPublicKey(std::move(key));
}

std::size_t RsaPublicKey::plaintext_bytes_max() const {
  return static_cast<std::size_t>(EVP_PKEY_get_size(key_->pkey.get())) - oaep_256_overhead;
}

Result<std::string> RsaPublicKey::wrap(Secret const& dek, std::string const& where) const {
  if (dek.empty() || dek.size() > plaintext_bytes_max()) {
    return std::unexpected(
        cannot_wrap(fmt::format("a DEK of {} bytes cannot be wrapped with RSA-OAEP-256 by this "
                                "key: 1 to {} bytes can",
                                dek.size(), plaintext_bytes_max()),
                    where));
  }
  Context const context = oaep_256(key_->pkey.get());
  std::size_t size = static_cast<std::size_t>(EVP_PKEY_get_size(key_->pkey.get()));
  std::string ciphertext(size, '\0');
  auto const* plain = reinterpret_cast<unsigned char const*>(dek.reveal().data());
  if (!context || EVP_PKEY_encrypt(context.get(), reinterpret_cast<unsigned char*>(ciphertext.data()), &size,
                                   plain, dek.size()) != 1) {
    return std::unexpected(cannot_wrap("OpenSSL could not wrap the DEK with the key's public half", where));
  }
  ciphertext.resize(size);
  return to_base64url(ciphertext);
}

}  // namespace rekeyd::providers::azure
