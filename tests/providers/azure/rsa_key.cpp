#include "tests/providers/azure/rsa_key.hpp"

#include "providers/encoding.hpp"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <stdexcept>

namespace rekeyd::test {

namespace {

std::string number(EVP_PKEY const* key, char const* name) {
  BIGNUM* value = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &value) != 1) throw std::runtime_error("no such number in the key");
  std::string bytes(static_cast<std::size_t>(BN_num_bytes(value)), '\0');
  BN_bn2bin(value, reinterpret_cast<unsigned char*>(bytes.data()));
  BN_free(value);
  return providers::to_base64url(bytes);
}

}  // namespace

struct RsaKey::Parts {
  EVP_PKEY* key{EVP_RSA_gen(2048U)};
  ~Parts() { EVP_PKEY_free(key); }
};

RsaKey::RsaKey() : parts_(std::make_unique<Parts>()) {
  if (parts_->key == nullptr) throw std::runtime_error("no RSA key could be made");
}
RsaKey::~RsaKey() = default;

std::string RsaKey::modulus() const { return number(parts_->key, OSSL_PKEY_PARAM_RSA_N); }
std::string RsaKey::exponent() const { return number(parts_->key, OSSL_PKEY_PARAM_RSA_E); }

std::string RsaKey::unwrap_oaep_256(std::string_view ciphertext) const {
  auto const bytes = providers::from_base64url(ciphertext);
  if (!bytes) return {};
  auto* context = EVP_PKEY_CTX_new_from_pkey(nullptr, parts_->key, nullptr);
  std::string plain(256, '\0');
  std::size_t size = plain.size();
  bool const done =
      EVP_PKEY_decrypt_init(context) == 1 &&
      EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) == 1 &&
      EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha256()) == 1 &&
      EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha256()) == 1 &&
      EVP_PKEY_decrypt(context, reinterpret_cast<unsigned char*>(plain.data()), &size,
                       reinterpret_cast<unsigned char const*>(bytes->data()), bytes->size()) == 1;
  EVP_PKEY_CTX_free(context);
  plain.resize(done ? size : 0);
  return plain;
}

RsaKey const& rsa_key() {
  static RsaKey const key;
  return key;
}

}  // namespace rekeyd::test
