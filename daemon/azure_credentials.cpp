#include "daemon/azure_credentials.hpp"

#include "providers/auth/entra_application.hpp"
#include "providers/auth/managed_identity.hpp"
#include "providers/auth/secret_file.hpp"

#include <utility>

namespace rekeyd::daemon {

namespace {

using Proof = std::unique_ptr<providers::ClientProof>;

struct MakeProof {
  providers::Clock& clock;
  providers::Random& random;

  Result<Proof> operator()(config::ClientSecret const& settings) const {
    auto const path = secret_path(settings.secret);
    if (!path) return std::unexpected(path.error());
    auto secret = providers::read_secret_file(*path);
    if (!secret) return std::unexpected(std::move(secret.error()));
    return providers::make_secret_proof(*std::move(secret));
  }

  Result<Proof> operator()(config::ClientCertificate const& settings) const {
    auto const path = secret_path(settings.pem);
    if (!path) return std::unexpected(path.error());
    providers::AssertionForm form;
    form.algorithm = settings.algorithm == config::AssertionAlgorithm::rs256
                         ? providers::AssertionAlgorithm::rs256
                         : providers::AssertionAlgorithm::ps256;
    form.send_chain = settings.send_chain;
    return providers::make_certificate_proof(*path, form, clock, random);
  }

  Result<Proof> operator()(config::WorkloadIdentity const& settings) const {
    return providers::make_federated_proof(settings.token_file);
  }

  Result<Proof> operator()(config::ManagedIdentity const&) const { std::unreachable(); }
};

using Source = std::unique_ptr<providers::CredentialSource>;
using LocalService = providers::LocalService;

std::unexpected<Error> not_here(char const* what) {
  Error error;
  error.delivery = Delivery::not_sent;
  error.what = what;
  error.remedy = "choose the service of managed_identity that fits where rekeyd runs, or start it there";
  return std::unexpected(std::move(error));
}

Result<Source> app_service(providers::ManagedIdentity identity, providers::ApiClient& api,
                           providers::Clock& clock, config::Environment const& environment) {
  auto const url = environment("IDENTITY_ENDPOINT");
  auto const header = environment("IDENTITY_HEADER");
  if (!url || !header) return not_here("App Service's IDENTITY_ENDPOINT and IDENTITY_HEADER are not set");
  auto service = LocalService::parse(*url);
  if (!service) return std::unexpected(std::move(service.error()));
  return providers::make_app_service_identity(api, clock, std::move(identity), *std::move(service),
                                              providers::Secret(std::string_view(*header)));
}

Result<Source> azure_arc(providers::ApiClient& api, providers::Clock& clock,
                         config::Environment const& environment) {
  constexpr char const* agents_own = "http://localhost:40342/metadata/identity/oauth2/token";
  auto service = LocalService::parse(environment("IDENTITY_ENDPOINT").value_or(agents_own));
  if (!service) return std::unexpected(std::move(service.error()));
  return providers::make_arc_identity(api, clock, *std::move(service));
}

providers::ManagedIdentity identity_of(config::ManagedIdentity const& settings) {
  using Named = providers::ManagedIdentity::Named;
  switch (settings.named) {
    case config::ManagedIdentity::Named::system_assigned:
      return {Named::system_assigned, {}};
    case config::ManagedIdentity::Named::client_id:
      return {Named::client_id, settings.id};
    case config::ManagedIdentity::Named::object_id:
      return {Named::object_id, settings.id};
    case config::ManagedIdentity::Named::resource_id:
      return {Named::resource_id, settings.id};
  }
  std::unreachable();
}

Result<Source> managed(config::ManagedIdentity const& settings, providers::ApiClient& api,
                       providers::Clock& clock, config::Environment const& environment) {
  using Service = config::ManagedIdentity::Service;
  auto identity = identity_of(settings);
  if (settings.service == Service::azure_arc) return azure_arc(api, clock, environment);
  if (settings.service == Service::app_service)
    return app_service(std::move(identity), api, clock, environment);
  return providers::make_instance_identity(api, clock, std::move(identity));
}

}  // namespace

Result<std::filesystem::path> secret_path(config::SecretReference const& reference) {
  if (reference.kind == config::SecretReference::Kind::credential)
    return providers::credential_path(reference.name);
  return reference.name;
}

Result<std::unique_ptr<providers::CredentialSource>> make_azure_credentials(
    config::EntraCredentials const& settings, providers::ApiClient& api, providers::Clock& clock,
    providers::Random& random, config::Environment const& environment) {
  if (auto const* const identity = std::get_if<config::ManagedIdentity>(&settings.proof))
    return managed(*identity, api, clock, environment);
  auto authority = providers::Endpoint::parse(settings.authority);
  if (!authority) return std::unexpected(std::move(authority.error()));
  auto proof = std::visit(MakeProof{clock, random}, settings.proof);
  if (!proof) return std::unexpected(std::move(proof.error()));
  providers::EntraApplication application{*std::move(authority), settings.tenant, settings.client_id,
                                          *std::move(proof)};
  return providers::make_entra_application(api, clock, std::move(application));
}

}  // namespace rekeyd::daemon
