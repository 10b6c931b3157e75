#pragma once
#include "providers/auth/credential_source.hpp"
#include "providers/http/api_client.hpp"

#include <memory>
#include <string>

namespace rekeyd::providers {

/// Tokens of IBM Cloud IAM for an API key (a user's or a service id's: the key decides): POST
/// {iam}/identity/token. The audience is ignored; one token serves all services.
///
/// Errors carry IAM's BXNIM code and request id. By class: access for an API key that a person must mend (IAM
/// says 400 for one that it does not know), transient for 429 and 5xx, malformed for an answer that is not
/// what the protocol says. `api` and `clock` must outlive it.
std::unique_ptr<CredentialSource> make_ibm_iam_api_key(ApiClient& api, Clock& clock, Endpoint iam,
                                                       Secret api_key);

/// Exposed for tests: what a refused token request means.
Error ibm_iam_error(HttpResponse const& response, std::string where);

}  // namespace rekeyd::providers
