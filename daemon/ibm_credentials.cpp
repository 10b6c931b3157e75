#include "daemon/ibm_credentials.hpp"

#include "daemon/azure_credentials.hpp"
#include "providers/auth/ibm_iam.hpp"
#include "providers/auth/ibm_instance_identity.hpp"
#include "providers/auth/secret_file.hpp"

#include <utility>

namespace rekeyd::daemon {

namespace {

using Source = std::unique_ptr<providers::CredentialSource>;

struct MakeSource {
  config::IbmCredentials const& settings;
  providers::ApiClient& api;
  providers::Clock& clock;

  Result<Source> operator()(config::IbmApiKey const& key) const {
    auto iam = providers::Endpoint::parse(settings.iam_url);
    if (!iam) return std::unexpected(std::move(iam.error()));
    auto const path = secret_path(key.secret);
    if (!path) return std::unexpected(path.error());
    auto secret = providers::read_secret_file(*path);
    if (!secret) return std::unexpected(std::move(secret.error()));
    return providers::make_ibm_iam_api_key(api, clock, *std::move(iam), *std::move(secret));
  }

  Result<Source> operator()(config::IbmTrustedProfile const& profile) const {
    auto iam = providers::Endpoint::parse(settings.iam_url);
    if (!iam) return std::unexpected(std::move(iam.error()));
    providers::TrustedProfile trusted{profile.id, profile.name, {}};
    if (!profile.token_file.empty()) trusted.token_files = {profile.token_file};
    return providers::make_ibm_trusted_profile(api, clock, *std::move(iam), std::move(trusted));
  }

  Result<Source> operator()(config::IbmVpcInstance const& instance) const {
    return providers::make_ibm_instance_identity(api, clock, {instance.profile, instance.secure});
  }
};

}  // namespace

Result<Source> make_ibm_credentials(config::IbmCredentials const& settings, providers::ApiClient& api,
                                    providers::Clock& clock) {
  return std::visit(MakeSource{settings, api, clock}, settings.proof);
}

}  // namespace rekeyd::daemon
