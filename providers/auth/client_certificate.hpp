#pragma once
#include "policy/error.hpp"
#include "policy/instant.hpp"
#include "providers/secret.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

typedef struct evp_pkey_st EVP_PKEY;

namespace rekeyd::providers {

enum class AssertionAlgorithm {
  ps256,  ///< RSASSA-PSS, SHA-256, salt of 32 bytes: what Microsoft asks for today.
  rs256   ///< RSASSA-PKCS1-v1_5 with SHA-256: older, still accepted.
};

/// The certificate by which an application is known at Entra ID, with its private key.
class ClientCertificate {
 public:
  /// From PEM text: one RSA key of 2048 bits or more without a passphrase, and certificates. The first one
  /// that belongs to the key is ours; the others are its chain, in their order. Access error if it is not so.
  static Result<ClientCertificate> from_pem(Secret const& pem, std::string where);

  Instant not_before() const { return not_before_; }
  Instant not_after() const { return not_after_; }
  /// Access error when it has expired or is not valid yet.
  Result<void> valid_at(Instant now) const;

  /// base64url of the digest of the certificate's DER form.
  std::string const& sha256_thumbprint() const { return sha256_; }
  std::string const& sha1_thumbprint() const { return sha1_; }
  /// Standard base64 of each certificate's DER form, ours first: RFC 7515's x5c.
  std::vector<std::string> const& chain() const { return chain_; }

  Result<Secret> sign(std::string_view text, AssertionAlgorithm algorithm) const;

 private:
  ClientCertificate() = default;

  std::string where_;
  std::shared_ptr<EVP_PKEY> key_;
  std::vector<std::string> chain_;
  std::string sha256_, sha1_;
  Instant not_before_{}, not_after_{};
};

/// From a file that only its owner may read (read_secret_file).
Result<ClientCertificate> read_client_certificate(std::filesystem::path const& pem_file);

}  // namespace rekeyd::providers
