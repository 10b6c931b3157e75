#pragma once
#include "policy/error.hpp"
#include "providers/auth/client_assertion.hpp"
#include "providers/auth/token_request.hpp"
#include "providers/secret.hpp"
#include "providers/system/clock.hpp"
#include "providers/system/random.hpp"

#include <filesystem>
#include <memory>
#include <string>

namespace rekeyd::providers {

/// How an application proves to Entra ID who it is.
class ClientProof {
 public:
  virtual ~ClientProof() = default;
  /// Adds the proof's fields to a token request. `token_url` is where the request goes: what an assertion is
  /// made out to.
  virtual Result<void> add_to(TokenForm& form, std::string const& client_id,
                              std::string const& token_url) = 0;
};

std::unique_ptr<ClientProof> make_secret_proof(Secret client_secret);

/// A certificate and its key, PEM, in a file that is read for every proof: a renewed one counts at once.
/// Error now if the file is no good as it is; one that is only out of its time is told with each proof.
/// `clock` and `random` must outlive the proof.
Result<std::unique_ptr<ClientProof>> make_certificate_proof(std::filesystem::path pem_file,
                                                            AssertionForm form, Clock& clock, Random& random);

/// A token of another issuer (a Kubernetes cluster, a CI system) that Entra ID trusts for this application:
/// the file is read for every proof, for its owner renews it about hourly. That it is not there yet is told
/// with each proof.
std::unique_ptr<ClientProof> make_federated_proof(std::filesystem::path token_file);

}  // namespace rekeyd::providers
