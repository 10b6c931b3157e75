#pragma once
#include "policy/error.hpp"
#include "providers/secret.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace rekeyd::providers::azure {

/// A key version's public half, to wrap DEKs here instead of at the service. Whoever uses it has looked
/// before that the version is enabled and not expired: this side of the wire nobody else checks.
class RsaPublicKey {
 public:
  /// From the JWK's members: base64url, unsigned, big-endian; 2048 to 16384 bits. Malformed otherwise.
  static Result<RsaPublicKey> from_jwk(std::string_view modulus, std::string_view exponent,
                                       std::string const& where);

  RsaPublicKey(RsaPublicKey&&) noexcept;
  RsaPublicKey& operator=(RsaPublicKey&&) noexcept;
  ~RsaPublicKey();

  /// Longest DEK that fits: modulus bytes - 66.
  std::size_t plaintext_bytes_max() const;
  /// RSA-OAEP-256 as Key Vault means it: OAEP with SHA-256, MGF1 with SHA-256, no label. base64url without
  /// padding. Permanent error when `dek` is longer than fits.
  Result<std::string> wrap(Secret const& dek, std::string const& where) const;

 private:
  struct Key;
  explicit RsaPublicKey(std::unique_ptr<Key> key);
  std::unique_ptr<Key> key_;
};

}  // namespace rekeyd::providers::azure
