#pragma once
#include "policy/error.hpp"
#include "policy/key.hpp"
#include "providers/openssl_free.hpp"
#include "providers/secret.hpp"

#include <openssl/evp.h>

#include <memory>
#include <string>

namespace rekeyd::providers {

using PrivateKey = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;

/// Material for one new version of an imported key, between its source and its provider. Lives in wiped
/// memory, and only as long as one rotate call; it is never stored and never told.
struct KeyMaterial {
  KeyType type;  ///< Algorithm and bits; the protection is the provider's.
  Secret bytes;  ///< aes: the key itself; rsa and ec: a PrivateKeyInfo (PKCS#8) in DER.
  /// What may be told of it: "kcv:A1B2C3", PKCS#11's check value of a symmetric key (the first three bytes of
  /// a block of zeros encrypted with it, as HSM consoles show it), or "spki-sha256:..." of a key pair's
  /// public half
  /// (`openssl pkey -pubout -outform DER | sha256sum`).
  std::string fingerprint;
};

using KeyMaterialPtr = std::shared_ptr<KeyMaterial const>;

/// `bytes` as an AES key: 16, 24 or 32 of them, not all the same. `where` goes into the error:
/// material_unfit.
Result<KeyMaterialPtr> symmetric_material(Secret bytes, std::string const& where);

/// An RSA or elliptic-curve key pair whose parts belong together; material_unfit if it is none, or on a curve
/// that no provider takes.
Result<KeyMaterialPtr> pair_material(EVP_PKEY& key, std::string const& where);

/// The key pair in `material`, which is of type rsa or ec. Its private numbers are in OpenSSL's secure heap.
PrivateKey open_pair(KeyMaterial const& material);

/// A curve as a JWK calls it ("P-256"), and as OpenSSL does; nothing for others. Of an elliptic-curve key.
struct JwkCurve {
  char const* name;
  char const* group;
  unsigned bits;
};
JwkCurve const* jwk_curve(EVP_PKEY const& key);
/// The one that NIST has of that size; null: none.
JwkCurve const* nist_curve(unsigned bits);

/// What a source says when it cannot serve: permanent, nothing sent; `code` is the reason that the rotation
/// is blocked for (docs/imported-keys.md lists them).
Error material_error(std::string code, std::string what, std::string where, std::string remedy);

}  // namespace rekeyd::providers
