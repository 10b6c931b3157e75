#pragma once
#include "config/azure_credentials.hpp"
#include "config/load.hpp"
#include "policy/error.hpp"
#include "providers/auth/credential_source.hpp"
#include "providers/http/api_client.hpp"
#include "providers/system/clock.hpp"
#include "providers/system/random.hpp"

#include <filesystem>
#include <memory>

namespace rekeyd::daemon {

/// Where the file of a referenced secret lies.
Result<std::filesystem::path> secret_path(config::SecretReference const& reference);

/// Tokens as the settings say who we are. Reads what can be read now: an error names the file and what is
/// wrong with it. `environment` is where App Service and the Azure Arc agent say where they answer. `api`,
/// `clock` and `random` must outlive it.
Result<std::unique_ptr<providers::CredentialSource>> make_azure_credentials(
    config::EntraCredentials const& settings, providers::ApiClient& api, providers::Clock& clock,
    providers::Random& random, config::Environment const& environment);

}  // namespace rekeyd::daemon
