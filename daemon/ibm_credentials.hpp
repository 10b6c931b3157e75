#pragma once
#include "config/ibm_credentials.hpp"
#include "providers/auth/credential_source.hpp"
#include "providers/http/api_client.hpp"

#include <memory>

namespace rekeyd::daemon {

/// The source of tokens that the settings describe. An error when a secret of theirs cannot be read now.
Result<std::unique_ptr<providers::CredentialSource>> make_ibm_credentials(
    config::IbmCredentials const& settings, providers::ApiClient& api, providers::Clock& clock);

}  // namespace rekeyd::daemon
