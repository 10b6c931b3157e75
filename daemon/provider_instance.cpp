#include "daemon/provider_instance.hpp"

#include "config/load.hpp"
#include "daemon/azure_cloud.hpp"
#include "daemon/azure_credentials.hpp"
#include "daemon/ibm_credentials.hpp"
#include "providers/azure/key_vault.hpp"
#include "providers/azure/resource_manager.hpp"
#include "providers/ibm/key_protect.hpp"

#include <utility>

namespace rekeyd::daemon {

namespace {

using providers::ApiLimits;
using providers::Endpoint;

/// Azure's published limits, kept by all instances together: two of them may use one subscription.
struct AzureLimits {
  explicit AzureLimits(providers::Clock& clock)
      : vaults(std::make_shared<providers::azure::VaultLimits>(clock)),
        arm(std::make_shared<providers::azure::ArmLimits>(clock)) {}
  std::shared_ptr<providers::azure::VaultLimits> vaults;
  std::shared_ptr<providers::azure::ArmLimits> arm;
};

/// What one instance is put together with.
struct Parts {
  config::ProviderSettings const& settings;
  AzureLimits const& azure_limits;
  providers::HttpTransport& transport;
  providers::Clock& clock;
  providers::Random& random;
};

/// The same error, told of its provider.
Error of_provider(Error error, ProviderName const& provider) {
  error.what = "provider " + provider.str() + ": " + error.what;
  return error;
}

/// Whose requests Azure Resource Manager counts together.
std::string principal_of(config::ProviderSettings const& settings,
                         config::EntraCredentials const& credentials) {
  bool const managed = std::holds_alternative<config::ManagedIdentity>(credentials.proof);
  return managed ? "provider " + settings.name.str() : credentials.tenant + "/" + credentials.client_id;
}

/// What the configuration says, over our own figures.
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

/// Services on the machine itself are asked again as their own documentation says, not as others are.
ApiLimits token_limits(config::ProviderSettings const& settings) {
  ApiLimits limits;
  auto const* const azure = std::get_if<config::AzureSettings>(&settings.cloud);
  bool const local =
      azure != nullptr && std::holds_alternative<config::ManagedIdentity>(azure->credentials.proof);
  if (local) limits.tries_max = 1;
  return limits;
}

Result<void> add_azure(ProviderInstance& instance, config::AzureSettings const& azure, Parts const& parts) {
  auto const cloud = azure_cloud(azure);
  if (!cloud) return std::unexpected(cloud.error());

  providers::KeyVaultOptions options;
  options.name = parts.settings.name;
  options.kind = parts.settings.kind == config::ProviderKind::azure_managed_hsm
                     ? providers::AzureKind::managed_hsm
                     : providers::AzureKind::key_vault;
  options.api_version = azure.api_version;
  options.rotate_by = rotate_by(azure.rotate_by);
  options.set_neutral_rotation_policy = azure.set_neutral_rotation_policy;
  options.authority = {cloud->authority, azure.credentials.tenant, cloud->authority_aliases,
                       cloud->key_resource(options.kind)};
  for (config::AzureVault const& vault : azure.vaults) {
    auto endpoint = Endpoint::parse(vault.url);
    if (!endpoint) return std::unexpected(endpoint.error());
    parts.azure_limits.vaults->add(*endpoint, options.kind, parts.settings.limits.published_percent);
    options.vaults.push_back({vault.name, *std::move(endpoint)});
  }
  options.limits = parts.azure_limits.vaults;
  ApiLimits const limits = limits_of(parts.settings.limits, providers::azure_default_limits(options.kind));
  instance.api = providers::make_api_client(parts.transport, parts.clock, parts.random, limits);
  auto credentials = make_azure_credentials(azure.credentials, *instance.token_api, parts.clock, parts.random,
                                            config::process_environment());
  if (!credentials) return std::unexpected(std::move(credentials.error()));
  instance.credentials = *std::move(credentials);
  instance.kms = providers::make_key_vault(*instance.api, *instance.credentials, parts.clock, parts.random,
                                           std::move(options));
  return {};
}

Result<void> add_ibm(ProviderInstance& instance, config::IbmSettings const& ibm, Parts const& parts) {
  auto credentials = make_ibm_credentials(ibm.credentials, *instance.token_api, parts.clock);
  if (!credentials) return std::unexpected(std::move(credentials.error()));
  providers::KeyProtectOptions options;
  options.name = parts.settings.name;
  options.kind = ibm_kind(parts.settings.kind);
  options.import_with_token = ibm.import_with_token;
  for (config::IbmInstance const& service : ibm.instances) {
    auto endpoint = Endpoint::parse(service.url);
    if (!endpoint) return std::unexpected(endpoint.error());
    options.instances.push_back({service.name, service.id, *std::move(endpoint), service.key_ring});
  }
  ApiLimits const limits = limits_of(parts.settings.limits, providers::ibm_default_limits(options.kind));
  instance.api = providers::make_api_client(parts.transport, parts.clock, parts.random, limits);
  instance.credentials = *std::move(credentials);
  instance.kms = providers::make_key_protect(*instance.api, *instance.credentials, parts.clock, parts.random,
                                             std::move(options));
  return {};
}

/// Of all instances: what uses a key may be found by another identity than the one that rotates it.
Result<providers::VaultsByHost> vaults_by_host(config::Settings const& settings) {
  providers::VaultsByHost vaults;
  for (config::ProviderSettings const& provider : settings.providers) {
    auto const* azure = std::get_if<config::AzureSettings>(&provider.cloud);
    if (azure == nullptr) continue;
    for (config::AzureVault const& vault : azure->vaults) {
      auto const endpoint = Endpoint::parse(vault.url);
      if (!endpoint) return std::unexpected(endpoint.error());
      vaults.emplace(endpoint->host, std::pair(provider.name, vault.name));
    }
  }
  return vaults;
}

Result<void> add_resources(ProviderInstance& instance, config::AzureSettings const& azure, Parts const& parts,
                           providers::VaultsByHost vaults) {
  if (azure.resources.empty()) return {};
  auto const cloud = azure_cloud(azure);
  if (!cloud) return std::unexpected(cloud.error());
  providers::ResourceManagerOptions options;
  options.audience = cloud->arm_scope();
  options.endpoint = cloud->arm_endpoint;
  options.vaults = std::move(vaults);
  options.limits = parts.azure_limits.arm;
  options.api_versions = {azure.resource_api_versions.begin(), azure.resource_api_versions.end()};
  options.caller = {principal_of(parts.settings, azure.credentials), parts.settings.limits.published_percent};
  for (config::AzureResourceScope const& scope : azure.resources) {
    options.scopes.push_back({scope.subscription, scope.resource_groups});
  }
  instance.resource_api =
      providers::make_api_client(parts.transport, parts.clock, parts.random, providers::arm_default_limits());
  instance.resources = providers::make_resource_manager(*instance.resource_api, *instance.credentials,
                                                        parts.clock, parts.random, std::move(options));
  return {};
}

Result<std::unique_ptr<ProviderInstance>> make_provider_instance(Parts const& parts,
                                                                 providers::VaultsByHost const& vaults) {
  auto instance = std::make_unique<ProviderInstance>();
  config::ProviderSettings const& settings = parts.settings;
  instance->kind = settings.kind;
  instance->token_api =
      providers::make_api_client(parts.transport, parts.clock, parts.random, token_limits(settings));
  auto const* azure = std::get_if<config::AzureSettings>(&settings.cloud);
  auto added = azure != nullptr ? add_azure(*instance, *azure, parts)
                                : add_ibm(*instance, std::get<config::IbmSettings>(settings.cloud), parts);
  if (added && azure != nullptr) added = add_resources(*instance, *azure, parts, vaults);
  if (!added) return std::unexpected(of_provider(std::move(added.error()), settings.name));
  return instance;
}

}  // namespace

Result<ProviderInstances> make_provider_instances(config::Settings const& settings,
                                                  providers::HttpTransport& transport,
                                                  providers::Clock& clock, providers::Random& random) {
  auto const vaults = vaults_by_host(settings);
  if (!vaults) return std::unexpected(vaults.error());
  AzureLimits const azure_limits(clock);
  ProviderInstances instances;
  for (config::ProviderSettings const& provider : settings.providers) {
    auto instance = make_provider_instance(Parts{provider, azure_limits, transport, clock, random}, *vaults);
    if (!instance) return std::unexpected(instance.error());
    instances.emplace(provider.name, *std::move(instance));
  }
  return instances;
}

}  // namespace rekeyd::daemon
