#pragma once
#include "providers/auth/credential_source.hpp"
#include "providers/http/api_client.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

/// Tokens of IBM Cloud IAM: POST {iam}/identity/token. The audience is ignored; one token serves all
/// services.
///
/// Errors carry IAM's BXNIM code and request id. By class: access for what a person must mend (IAM says 400
/// for an API key that it does not know), transient for 429 and 5xx, malformed for an answer that is not what
/// the protocol says. `api` and `clock` must outlive the sources.
namespace rekeyd::providers {

/// For an API key (a user's or a service id's: the key decides).
std::unique_ptr<CredentialSource> make_ibm_iam_api_key(ApiClient& api, Clock& clock, Endpoint iam,
                                                       Secret api_key);

/// A trusted profile that a compute resource enters with a token of its platform's.
struct TrustedProfile {
  std::string id;    ///< "Profile-..."; empty: named.
  std::string name;  ///< Empty: told by id.
  /// Where the platform may have put the token: the first that is there. Read anew for every token.
  std::vector<std::filesystem::path> token_files;
};

/// Where Kubernetes and Code Engine on IBM Cloud put the token (IBM's SDK core tries them in this order).
std::vector<std::filesystem::path> usual_compute_token_files();

std::unique_ptr<CredentialSource> make_ibm_trusted_profile(ApiClient& api, Clock& clock, Endpoint iam,
                                                           TrustedProfile profile);

/// Exposed for tests: what a refused token request means, and what to do where a person must mend it.
Error ibm_iam_error(HttpResponse const& response, std::string where, char const* remedy);

/// `cache` for any audience as one: IAM's tokens name none.
std::unique_ptr<CredentialSource> for_any_audience(std::unique_ptr<CredentialSource> cache);

}  // namespace rekeyd::providers
