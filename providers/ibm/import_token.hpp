#pragma once
#include "policy/error.hpp"
#include "providers/secret.hpp"

#include <string>
#include <string_view>

/// Secure import: material that travels wrapped for the service's HSM and proves which token it was wrapped
/// for (Key Protect's tutorial "secure import"; HPCS's "importing keys"). Pure.
namespace rekeyd::providers::ibm {

/// How a flavour wants material wrapped.
enum class ImportCipher {
  none,         ///< It has no import tokens (Dedicated).
  oaep_sha256,  ///< Key Protect: RSAES-OAEP with SHA-256, nonce by AES-GCM with a 12-byte IV and the tag
                ///< behind.
  oaep_sha1,    ///< HPCS: RSAES-OAEP with SHA-1, nonce by AES-CBC with PKCS#7 padding and a 16-byte IV.
};

/// What GET /import_token tells.
struct ImportToken {
  std::string public_key;  ///< PEM or DER; documents show both.
  std::string nonce;       ///< Bytes.
};
Result<ImportToken> parse_import_token(std::string_view body, std::string const& where);

/// {"expiration":..,"maxAllowedRetrievals":1}: one that serves one import, for as short a time as it may.
Body write_import_token_request();

/// The body of a rotate with `material` wrapped for `token`: payload, encryptedNonce, iv,
/// encryptionAlgorithm. Malformed if the token holds no RSA key.
Result<Body> write_sealed_rotate_request(Secret const& material, ImportToken const& token,
                                         ImportCipher cipher, std::string const& where);

}  // namespace rekeyd::providers::ibm
