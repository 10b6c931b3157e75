#include "daemon/provider_instance.hpp"

#include "providers/auth/entra_client_secret.hpp"
#include "providers/auth/ibm_iam_api_key.hpp"
#include "providers/auth/secret_file.hpp"
#include "providers/azure/key_vault.hpp"
#include "providers/ibm/key_protect.hpp"

#include <utility>

namespace rekeyd::daemon {

namespace {

using providers::ApiLimits;
using providers::Endpoint;

/// What one instance is put together with.
struct Parts {
  config::ProviderSettings const& settings;
  providers::HttpTransport& transport;
  providers::Clock& clock;
  providers::Random& random;
};

Result<providers::Secret> read_secret(config::SecretReference const& reference,
                                      ProviderName const& provider) {
  auto secret = reference.kind == config::SecretReference::Kind::credential
                    ? providers::read_credential(reference.name)
                    : providers::read_secret_file(reference.name);
  if (!secret) {
    secret.error().what = "provider " + provider.str() + ": " + secret.error().what;
  }
  return secret;
}

/// What the configuration says, over what the provider publishes.
ApiLimits limits_of(config::LimitSettings const& configured, ApiLimits limits) {
  limits.in_flight_max = configured.in_flight;
  limits.tries_max = static_cast<int>(configured.tries);
  limits.call_timeout = configured.call_timeout;
  if (configured.per_second > 0) {
    limits.requests_per_second = configured.per_second;
    limits.burst = static_cast<unsigned>(configured.per_second) + 1;
  }
  return limits;
}

providers::AzureRotateBy rotate_by(config::AzureRotateBy configured) {
  switch (configured) {
    case config::AzureRotateBy::automatic:
      return providers::AzureRotateBy::automatic;
    case config::AzureRotateBy::create:
      return providers::AzureRotateBy::create;
    case config::AzureRotateBy::rotate:
      return providers::AzureRotateBy::rotate;
  }
  std::unreachable();
}

providers::IbmKind ibm_kind(config::ProviderKind kind) {
  if (kind == config::ProviderKind::ibm_hpcs) return providers::IbmKind::hpcs;
  if (kind == config::ProviderKind::ibm_key_protect_dedicated)
    return providers::IbmKind::key_protect_dedicated;
  return providers::IbmKind::key_protect;
}

Result<void> add_azure(ProviderInstance& instance, config::AzureSettings const& azure, Parts const& parts) {
  auto secret = read_secret(azure.credentials.client_secret, parts.settings.name);
  if (!secret) return std::unexpected(secret.error());
  auto authority = Endpoint::parse(azure.credentials.authority);
  if (!authority) return std::unexpected(authority.error());

  providers::KeyVaultOptions options;
  options.name = parts.settings.name;
  options.kind = parts.settings.kind == config::ProviderKind::azure_managed_hsm
                     ? providers::AzureKind::managed_hsm
                     : providers::AzureKind::key_vault;
  options.api_version = azure.api_version;
  options.rotate_by = rotate_by(azure.rotate_by);
  options.set_neutral_rotation_policy = azure.set_neutral_rotation_policy;
  options.authority = {*authority, azure.credentials.tenant};
  for (config::AzureVault const& vault : azure.vaults) {
    auto endpoint = Endpoint::parse(vault.url);
    if (!endpoint) return std::unexpected(endpoint.error());
    options.vaults.push_back({vault.name, *std::move(endpoint)});
  }
  ApiLimits const limits = limits_of(parts.settings.limits, providers::azure_default_limits(options.kind));
  instance.api = providers::make_api_client(parts.transport, parts.clock, parts.random, limits);
  providers::EntraIdentity identity{*std::move(authority), azure.credentials.tenant,
                                    azure.credentials.client_id, *std::move(secret)};
  instance.credentials =
      providers::make_entra_client_secret(*instance.token_api, parts.clock, std::move(identity));
  instance.kms = providers::make_key_vault(*instance.api, *instance.credentials, parts.clock, parts.random,
                                           std::move(options));
  return {};
}

Result<void> add_ibm(ProviderInstance& instance, config::IbmSettings const& ibm, Parts const& parts) {
  auto api_key = read_secret(ibm.credentials.api_key, parts.settings.name);
  if (!api_key) return std::unexpected(api_key.error());
  auto iam = Endpoint::parse(ibm.credentials.iam_url);
  if (!iam) return std::unexpected(iam.error());

  providers::KeyProtectOptions options;
  options.name = parts.settings.name;
  options.kind = ibm_kind(parts.settings.kind);
  for (config::IbmInstance const& service : ibm.instances) {
    auto endpoint = Endpoint::parse(service.url);
    if (!endpoint) return std::unexpected(endpoint.error());
    options.instances.push_back({service.name, service.id, *std::move(endpoint), service.key_ring});
  }
  ApiLimits const limits = limits_of(parts.settings.limits, providers::ibm_default_limits(options.kind));
  instance.api = providers::make_api_client(parts.transport, parts.clock, parts.random, limits);
  instance.credentials =
      providers::make_ibm_iam_api_key(*instance.token_api, parts.clock, *std::move(iam), *std::move(api_key));
  instance.kms = providers::make_key_protect(*instance.api, *instance.credentials, parts.clock, parts.random,
                                             std::move(options));
  return {};
}

}  // namespace

Result<std::unique_ptr<ProviderInstance>> make_provider_instance(config::ProviderSettings const& settings,
                                                                 providers::HttpTransport& transport,
                                                                 providers::Clock& clock,
                                                                 providers::Random& random) {
  auto instance = std::make_unique<ProviderInstance>();
  instance->kind = settings.kind;
  instance->token_api = providers::make_api_client(transport, clock, random, ApiLimits{});
  Parts const parts{settings, transport, clock, random};
  auto const* azure = std::get_if<config::AzureSettings>(&settings.cloud);
  auto added = azure != nullptr ? add_azure(*instance, *azure, parts)
                                : add_ibm(*instance, std::get<config::IbmSettings>(settings.cloud), parts);
  if (!added) return std::unexpected(added.error());
  return instance;
}

}  // namespace rekeyd::daemon
