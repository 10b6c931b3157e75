#include "providers/ibm/import_token.hpp"

#include "providers/encoding.hpp"
#include "providers/json_answer.hpp"
#include "providers/openssl_free.hpp"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <memory>
#include <optional>

namespace rekeyd::providers::ibm {

namespace {

using PublicKey = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Free<EVP_PKEY_CTX_free>>;
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, Free<EVP_CIPHER_CTX_free>>;

unsigned char const* octets(std::string_view text) {
  return reinterpret_cast<unsigned char const*>(text.data());
}
unsigned char* octets(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

PublicKey read_public_key(std::string const& text) {
  std::unique_ptr<BIO, Free<BIO_free>> const memory(
      BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  if (text.find("-----BEGIN") != std::string::npos) {
    return PublicKey(PEM_read_bio_PUBKEY(memory.get(), nullptr, nullptr, nullptr));
  }
  return PublicKey(d2i_PUBKEY_bio(memory.get(), nullptr));
}

std::optional<std::string> encrypt_oaep(EVP_PKEY& key, EVP_MD const* digest, Secret const& plain) {
  KeyContext const context(EVP_PKEY_CTX_new(&key, nullptr));
  bool const ready = context && EVP_PKEY_encrypt_init(context.get()) == 1 &&
                     EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING) == 1 &&
                     EVP_PKEY_CTX_set_rsa_oaep_md(context.get(), digest) == 1 &&
                     EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), digest) == 1;
  if (!ready) return std::nullopt;
  std::string cipher(static_cast<std::size_t>(EVP_PKEY_get_size(&key)), '\0');
  std::size_t size = cipher.size();
  bool const done =
      EVP_PKEY_encrypt(context.get(), octets(cipher), &size, octets(plain.reveal()), plain.size()) == 1;
  cipher.resize(size);
  return done ? std::optional(std::move(cipher)) : std::nullopt;
}

EVP_CIPHER const* cipher_for(std::size_t key_bytes, bool gcm) {
  switch (key_bytes) {
    case 16:
      return gcm ? EVP_aes_128_gcm() : EVP_aes_128_cbc();
    case 24:
      return gcm ? EVP_aes_192_gcm() : EVP_aes_192_cbc();
    default:
      return gcm ? EVP_aes_256_gcm() : EVP_aes_256_cbc();
  }
}

struct SealedNonce {
  std::string iv, cipher;
};

/// The nonce under the material itself: what shows that whoever sends the material knows it.
std::optional<SealedNonce> seal_nonce(Secret const& key, std::string const& nonce, bool gcm) {
  constexpr int tag_bytes = 16;
  SealedNonce sealed;
  sealed.iv.resize(gcm ? 12 : 16);
  sealed.cipher.resize(nonce.size() + 32);
  CipherContext const context(EVP_CIPHER_CTX_new());
  int size = 0;
  int rest = 0;
  // Like key material from OpenSSL: who could foretell the IV of CBC would learn of the nonce.
  bool done = RAND_priv_bytes(octets(sealed.iv), static_cast<int>(sealed.iv.size())) == 1 &&
              EVP_EncryptInit_ex(context.get(), cipher_for(key.size(), gcm), nullptr, octets(key.reveal()),
                                 octets(sealed.iv)) == 1 &&
              EVP_EncryptUpdate(context.get(), octets(sealed.cipher), &size, octets(nonce),
                                static_cast<int>(nonce.size())) == 1 &&
              EVP_EncryptFinal_ex(context.get(), octets(sealed.cipher) + size, &rest) == 1;
  size += rest;
  if (gcm) {
    done = done && EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, tag_bytes,
                                       octets(sealed.cipher) + size) == 1;
    size += tag_bytes;
  }
  sealed.cipher.resize(static_cast<std::size_t>(size));
  return done ? std::optional(std::move(sealed)) : std::nullopt;
}

}  // namespace

Result<ImportToken> parse_import_token(std::string_view body, std::string const& where) {
  JsonAnswer answer(body);
  JsonObject const root = answer.root();
  auto const key = from_base64(root.text("payload"));
  auto const nonce = from_base64(root.text("nonce"));
  if (!answer.sound()) return std::unexpected(answer.error(where));
  if (!key || key->empty()) return std::unexpected(malformed_answer("payload should be base64", where));
  if (!nonce || nonce->empty()) return std::unexpected(malformed_answer("nonce should be base64", where));
  return ImportToken{*key, *nonce};
}

Body write_import_token_request() { return Body(R"({"expiration":300,"maxAllowedRetrievals":1})"); }

Result<Body> write_sealed_rotate_request(Secret const& material, ImportToken const& token,
                                         ImportCipher cipher, std::string const& where) {
  bool const sha256 = cipher == ImportCipher::oaep_sha256;
  PublicKey const key = read_public_key(token.public_key);
  if (!key || EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA) {
    return std::unexpected(malformed_answer("payload holds no RSA public key", where));
  }
  auto const payload = encrypt_oaep(*key, sha256 ? EVP_sha256() : EVP_sha1(), material);
  auto const nonce = seal_nonce(material, token.nonce, sha256);
  if (!payload || !nonce) {
    return std::unexpected(malformed_answer("the material cannot be wrapped with this token", where));
  }
  std::string const text = fmt::format(
      R"({{"payload":"{}","encryptedNonce":"{}","iv":"{}","encryptionAlgorithm":"{}"}})", to_base64(*payload),
      to_base64(nonce->cipher), to_base64(nonce->iv), sha256 ? "RSAES_OAEP_SHA_256" : "RSAES_OAEP_SHA_1");
  return Body(text.data(), text.size());
}

}  // namespace rekeyd::providers::ibm
