#pragma once
#include "policy/instant.hpp"
#include "tests/simulator/crypto.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

typedef struct x509_st X509;

namespace rekeyd::sim::azure {

/// A certificate as it is registered with an application: no private key.
class ClientCertificate {
 public:
  static std::optional<ClientCertificate> from_pem(std::string const& pem);

  std::string const& sha256() const { return sha256_; }  ///< base64url, as in "x5t#S256".
  std::string const& sha1() const { return sha1_; }      ///< base64url, as in "x5t".
  std::string const& base64() const { return base64_; }  ///< As in "x5c".
  bool valid_at(Instant now) const;
  EVP_PKEY* public_key() const;

 private:
  explicit ClientCertificate(std::shared_ptr<X509> certificate);
  std::shared_ptr<X509> certificate_;
  std::string sha256_, sha1_, base64_;
};

/// A self-signed certificate in PEM, its private key before it.
std::string make_client_certificate(std::string const& name, RsaKey const& key, Instant not_before,
                                    Instant not_after, long serial);

}  // namespace rekeyd::sim::azure
