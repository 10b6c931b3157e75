#pragma once
#include <memory>
#include <string>
#include <string_view>

namespace rekeyd::test {

/// An RSA-2048 key pair with both halves: the service's side of wrapping.
class RsaKey {
 public:
  RsaKey();
  ~RsaKey();
  RsaKey(RsaKey const&) = delete;
  RsaKey& operator=(RsaKey const&) = delete;

  std::string modulus() const;   ///< base64url
  std::string exponent() const;  ///< base64url
  /// base64url in, bytes out; empty if it cannot be unwrapped.
  std::string unwrap_oaep_256(std::string_view ciphertext) const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// One for the whole program: making one takes a tenth of a second.
RsaKey const& rsa_key();

}  // namespace rekeyd::test
