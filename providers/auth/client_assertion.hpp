#pragma once
#include "policy/error.hpp"
#include "policy/instant.hpp"
#include "providers/auth/client_certificate.hpp"
#include "providers/secret.hpp"

#include <string>

namespace rekeyd::providers {

/// How an assertion is written.
struct AssertionForm {
  AssertionAlgorithm algorithm{AssertionAlgorithm::ps256};
  /// Send the certificates along (x5c): for applications that trust a subject name and its issuer rather than
  /// one certificate.
  bool send_chain{false};
};

struct AssertionClaims {
  std::string audience;  ///< The token endpoint's URL, exactly.
  std::string client_id;
  std::string id;  ///< Never the same twice.
  Instant now;
};

/// A signed JSON web token by which an application says that it is itself
/// (https://learn.microsoft.com/en-us/entra/identity-platform/certificate-credentials): good for ten minutes,
/// and from a minute ago, for clocks differ. Beside "x5t#S256" it names the certificate by "x5t" where the
/// older algorithm is asked for, since whoever wants that one may want the older name, too.
Result<Secret> make_client_assertion(ClientCertificate const& certificate, AssertionForm const& form,
                                     AssertionClaims const& claims);

}  // namespace rekeyd::providers
