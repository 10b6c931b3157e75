#pragma once
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

typedef struct evp_pkey_st EVP_PKEY;

/// What an HSM does, done by OpenSSL. Binary data is std::string: the model's keys protect nothing.
namespace rekeyd::sim {

class Randomness;

/// An RSA key pair, immutable and shared: copies are cheap. Not for two threads at once.
class RsaKey {
 public:
  /// Made from `random` alone, so that a seed gives the same keys. Takes about 0.1 s for 2048 bits.
  static RsaKey generate(unsigned bits, Randomness& random);

  /// Unsigned big-endian numbers. `p` and `q` may be empty (and with them what belongs to them).
  struct Parts {
    std::string n, e, d, p, q, dp, dq, qi;
  };
  /// Nothing when the numbers are not one key.
  static std::optional<RsaKey> from(Parts const& parts);

  unsigned bits() const;
  std::string const& modulus() const { return *modulus_; }  ///< Without leading zeros.
  std::string const& exponent() const { return *exponent_; }
  EVP_PKEY* get() const { return key_.get(); }

  /// What rsa_decrypt has lately made of a ciphertext and padding: a test that unwraps what the service has
  /// just unwrapped need not wait for it again.
  using Decrypted = std::map<std::string, std::optional<std::string>, std::less<>>;
  Decrypted& decrypted() const { return *decrypted_; }

 private:
  explicit RsaKey(std::shared_ptr<EVP_PKEY> key);
  std::shared_ptr<EVP_PKEY> key_;
  // Asked for with every read of a key; OpenSSL takes its time to tell them.
  std::shared_ptr<std::string const> modulus_, exponent_;
  std::shared_ptr<Decrypted> decrypted_{std::make_shared<Decrypted>()};
};

enum class RsaPadding {
  oaep_sha256,  ///< "RSA-OAEP-256": hash and MGF1 both SHA-256.
  oaep_sha1,    ///< "RSA-OAEP"
  pkcs1,        ///< "RSA1_5"
};

/// Nothing when the plaintext is too long for the key and padding.
std::optional<std::string> rsa_encrypt(RsaKey const& key, RsaPadding padding, std::string_view plain);
/// Nothing when the ciphertext was not made with this key and padding.
std::optional<std::string> rsa_decrypt(RsaKey const& key, RsaPadding padding, std::string_view cipher);

/// RFC 3394 with the default IV; the key is 16, 24 or 32 bytes. The plaintext: a multiple of 8, 16 at least.
std::optional<std::string> aes_wrap(std::string_view key, std::string_view plain);
std::optional<std::string> aes_unwrap(std::string_view key, std::string_view cipher);

struct Sealed {
  std::string cipher;
  std::string tag;  ///< 16 bytes.
};
/// AES-GCM; `iv` is usually 12 bytes. Throws std::invalid_argument for a key of another size than 16, 24, 32.
Sealed aes_gcm_seal(std::string_view key, std::string_view iv, std::string_view aad, std::string_view plain);
/// Nothing when tag, AAD, key or IV do not fit the ciphertext.
std::optional<std::string> aes_gcm_open(std::string_view key, std::string_view iv, std::string_view aad,
                                        Sealed const& sealed);

/// AES-CBC, with PKCS#7 padding or (data a multiple of 16) without.
std::optional<std::string> aes_cbc_encrypt(std::string_view key, std::string_view iv, bool pad,
                                           std::string_view plain);
std::optional<std::string> aes_cbc_decrypt(std::string_view key, std::string_view iv, bool pad,
                                           std::string_view cipher);

std::string sha256_hex(std::string_view data);

/// Without padding on output; with or without on input. Nothing for anything else than that alphabet.
std::string base64url(std::string_view data);
std::optional<std::string> from_base64url(std::string_view text);
/// The ordinary alphabet, with padding.
std::string base64(std::string_view data);
std::optional<std::string> from_base64(std::string_view text);

}  // namespace rekeyd::sim
