#pragma once
#include "providers/auth/client_proof.hpp"
#include "providers/auth/credential_source.hpp"
#include "providers/http/api_client.hpp"

#include <memory>
#include <string>

namespace rekeyd::providers {

/// An application (or a user-assigned managed identity that is used from outside Azure) at Entra ID.
struct EntraApplication {
  Endpoint authority;  ///< https://login.microsoftonline.com
  std::string tenant;  ///< GUID or domain.
  std::string client_id;
  std::unique_ptr<ClientProof> proof;
};

/// Tokens by client credentials: POST {authority}/{tenant}/oauth2/v2.0/token with scope `audience`/.default.
/// Each audience (vaults, Managed HSM, Resource Manager) has a token of its own. Errors: entra_error(), and
/// those of the proof. `api` and `clock` must outlive it.
std::unique_ptr<CredentialSource> make_entra_application(ApiClient& api, Clock& clock,
                                                         EntraApplication application);

}  // namespace rekeyd::providers
