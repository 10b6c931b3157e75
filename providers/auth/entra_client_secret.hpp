#pragma once
#include "providers/auth/credential_source.hpp"
#include "providers/http/api_client.hpp"

#include <memory>
#include <string>

namespace rekeyd::providers {

/// An application at Entra ID with a client secret.
struct EntraIdentity {
  Endpoint authority;  ///< https://login.microsoftonline.com
  std::string tenant;  ///< GUID or domain.
  std::string client_id;
  Secret client_secret;
};

/// Tokens by client credentials: POST {authority}/{tenant}/oauth2/v2.0/token with scope `audience`/.default.
///
/// Errors carry the AADSTS code, Entra's trace id as request_id, and a remedy in words. By class: access for
/// what a person must mend (secret, application, tenant, consent, clock), transient for throttling and
/// Entra's own trouble, malformed for an answer that is not what the protocol says. `api` and `clock` must
/// outlive it.
std::unique_ptr<CredentialSource> make_entra_client_secret(ApiClient& api, Clock& clock,
                                                           EntraIdentity identity);

/// Exposed for tests: what a refused token request means.
Error entra_error(HttpResponse const& response, std::string where);

}  // namespace rekeyd::providers
