#include "providers/material/key_material.hpp"

#include <fmt/format.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

namespace rekeyd::providers {

namespace {

using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, Free<EVP_CIPHER_CTX_free>>;
using Pkcs8 = std::unique_ptr<PKCS8_PRIV_KEY_INFO, Free<PKCS8_PRIV_KEY_INFO_free>>;
using CheckContext = std::unique_ptr<EVP_PKEY_CTX, Free<EVP_PKEY_CTX_free>>;

/// RFC 7518, 6.2.1.1, and RFC 8812 for P-256K's own name ("secp256k1"; Azure calls it P-256K).
constexpr std::array<JwkCurve, 4> jwk_curves{{{"P-256", "prime256v1", 256},
                                              {"P-384", "secp384r1", 384},
                                              {"P-521", "secp521r1", 521},
                                              {"P-256K", "secp256k1", 256}}};

unsigned char const* octets(Secret const& secret) {
  return reinterpret_cast<unsigned char const*>(secret.reveal().data());
}

std::string hex(unsigned char const* bytes, std::size_t size, char const* form) {
  std::string text;
  for (std::size_t i = 0; i < size; ++i) text += fmt::format(fmt::runtime(form), bytes[i]);
  return text;
}

EVP_CIPHER const* block_cipher(std::size_t key_bytes) {
  switch (key_bytes) {
    case 16:
      return EVP_aes_128_ecb();
    case 24:
      return EVP_aes_192_ecb();
    default:
      return EVP_aes_256_ecb();
  }
}

/// CKA_CHECK_VALUE as PKCS#11 (v2.40, 4.2) defines it for AES. Empty if OpenSSL refuses.
std::string check_value(Secret const& key) {
  CipherContext const cipher(EVP_CIPHER_CTX_new());
  std::array<unsigned char, 16> const zeros{};
  std::array<unsigned char, 32> block{};
  int size = 0;
  bool const done =
      EVP_EncryptInit_ex(cipher.get(), block_cipher(key.size()), nullptr, octets(key), nullptr) == 1 &&
      EVP_EncryptUpdate(cipher.get(), block.data(), &size, zeros.data(), static_cast<int>(zeros.size())) == 1;
  return done ? "kcv:" + hex(block.data(), 3, "{:02X}") : "";
}

std::string public_thumbprint(EVP_PKEY& key) {
  unsigned char* der = nullptr;
  int const size = i2d_PUBKEY(&key, &der);
  if (size <= 0) return {};
  std::unique_ptr<unsigned char, Free<[](void* piece) { OPENSSL_free(piece); }>> const owned(der);
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(der, static_cast<std::size_t>(size), digest.data());
  return "spki-sha256:" + hex(digest.data(), digest.size(), "{:02x}");
}

/// PKCS#8 in DER, written straight into wiped memory.
Secret private_der(EVP_PKEY& key) {
  Pkcs8 const info(EVP_PKEY2PKCS8(&key));
  int const size = info ? i2d_PKCS8_PRIV_KEY_INFO(info.get(), nullptr) : 0;
  if (size <= 0) return {};
  Secret der = Secret::of_size(static_cast<std::size_t>(size));
  auto* at = reinterpret_cast<unsigned char*>(der.writable().data());
  return i2d_PKCS8_PRIV_KEY_INFO(info.get(), &at) == size ? std::move(der) : Secret();
}

bool belongs_together(EVP_PKEY& key) {
  CheckContext const check(EVP_PKEY_CTX_new(&key, nullptr));
  return check && EVP_PKEY_check(check.get()) == 1;
}

std::unexpected<Error> unfit(std::string what, std::string const& where) {
  return std::unexpected(
      material_error("material_unfit", std::move(what), where, "replace it by material that fits the key"));
}

}  // namespace

Error material_error(std::string code, std::string what, std::string where, std::string remedy) {
  Error error;
  error.error_class = ErrorClass::permanent;
  error.delivery = Delivery::not_sent;
  error.code = std::move(code);
  error.what = std::move(what);
  error.where = std::move(where);
  error.remedy = std::move(remedy);
  return error;
}

Result<KeyMaterialPtr> symmetric_material(Secret bytes, std::string const& where) {
  std::size_t const size = bytes.size();
  if (size != 16 && size != 24 && size != 32) {
    return unfit(fmt::format("{} bits of material: a symmetric root key has 128, 192 or 256", size * 8),
                 where);
  }
  auto const text = bytes.reveal();
  if (std::ranges::all_of(text, [first = text.front()](char byte) { return byte == first; })) {
    return unfit("the material's bytes are all the same: it is no random key", where);
  }
  auto fingerprint = check_value(bytes);
  if (fingerprint.empty()) return unfit("OpenSSL does not take the material", where);
  KeyType const type{KeyAlgorithm::aes, static_cast<unsigned>(size * 8)};
  return std::make_shared<KeyMaterial const>(KeyMaterial{type, std::move(bytes), std::move(fingerprint)});
}

JwkCurve const* jwk_curve(EVP_PKEY const& key) {
  std::array<char, 64> group{};
  std::size_t size = 0;
  bool const named = EVP_PKEY_get_group_name(&key, group.data(), group.size(), &size) == 1;
  if (!named) return nullptr;
  auto const found = std::ranges::find(jwk_curves, std::string_view(group.data(), size), &JwkCurve::group);
  return found == jwk_curves.end() ? nullptr : &*found;
}

JwkCurve const* nist_curve(unsigned bits) {
  // Of the two of 256 bits the first.
  auto const found = std::ranges::find(jwk_curves, bits, &JwkCurve::bits);
  return found == jwk_curves.end() ? nullptr : &*found;
}

Result<KeyMaterialPtr> pair_material(EVP_PKEY& key, std::string const& where) {
  bool const rsa = EVP_PKEY_get_base_id(&key) == EVP_PKEY_RSA;
  bool const ec = EVP_PKEY_get_base_id(&key) == EVP_PKEY_EC;
  if (!rsa && !ec) return unfit("the private key is neither an RSA nor an elliptic-curve key", where);
  JwkCurve const* const curve = ec ? jwk_curve(key) : nullptr;
  if (ec && curve == nullptr) return unfit("the key's curve is none that a provider takes", where);
  if (!belongs_together(key)) return unfit("the key pair's numbers do not belong together", where);
  auto der = private_der(key);
  auto fingerprint = public_thumbprint(key);
  if (der.empty() || fingerprint.empty()) return unfit("OpenSSL cannot write the key pair", where);
  auto const bits = ec ? curve->bits : static_cast<unsigned>(EVP_PKEY_get_bits(&key));
  KeyType const type{ec ? KeyAlgorithm::ec : KeyAlgorithm::rsa, bits};
  return std::make_shared<KeyMaterial const>(KeyMaterial{type, std::move(der), std::move(fingerprint)});
}

PrivateKey open_pair(KeyMaterial const& material) {
  auto const* at = octets(material.bytes);
  return PrivateKey(d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(material.bytes.size())));
}

}  // namespace rekeyd::providers
