#include "tests/simulator/azure/services.hpp"

#include "tests/simulator/azure/arm/estate_section.hpp"
#include "tests/simulator/azure/entra.hpp"
#include "tests/simulator/azure/instance_metadata.hpp"
#include "tests/simulator/azure/key_seed.hpp"
#include "tests/simulator/azure/vault.hpp"
#include "tests/simulator/azure/vault_directory.hpp"
#include "tests/simulator/message.hpp"
#include "tests/simulator/randomness.hpp"
#include "tests/simulator/section.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <set>

namespace rekeyd::sim::azure {

namespace {

EntraClient read_client(Section& section) {
  EntraClient client;
  client.secret = section.text("secret", "");
  for (auto const& pem : section.texts("certificates")) {
    auto certificate = ClientCertificate::from_pem(pem);
    if (!certificate) section.mistake("certificates", "a certificate in PEM was expected");
    if (certificate) client.certificates.push_back(*std::move(certificate));
  }
  for (auto& federated : section.sections("federated")) {
    client.federated.push_back({federated.text("issuer"), federated.text("subject"),
                                federated.text("audience", "api://AzureADTokenExchange")});
    federated.finish();
  }
  return client;
}

std::vector<Tenant> read_tenants(Section& azure) {
  std::vector<Tenant> tenants;
  for (auto& section : azure.sections("tenants")) {
    Tenant tenant{lower(section.text("id")), {}};
    for (auto& client : section.sections("clients")) {
      std::string const id = lower(client.text("id"));
      if (!tenant.clients.emplace(id, read_client(client)).second) client.mistake("id", "given twice");
      client.finish();
    }
    section.finish();
    tenants.push_back(std::move(tenant));
  }
  if (tenants.empty()) azure.mistake("tenants", "at least one tenant is needed");
  return tenants;
}

MachineIdentity read_identity(Section& section, std::set<std::string> const& tenants) {
  MachineIdentity identity;
  identity.client_id = lower(section.text("client_id"));
  identity.object_id = lower(section.text("object_id", ""));
  identity.resource_id = lower(section.text("resource_id", ""));
  identity.tenant = lower(section.text("tenant"));
  if (!tenants.contains(identity.tenant)) section.mistake("tenant", "is not one of the tenants");
  section.finish();
  return identity;
}

std::unique_ptr<Service> read_machine(Section& azure, std::set<std::string> const& tenants,
                                      TokenMint const& mint) {
  auto machine = azure.section("machine");
  if (!machine) return nullptr;
  std::optional<MachineIdentity> system;
  if (auto section = machine->section("system_assigned")) system = read_identity(*section, tenants);
  std::vector<MachineIdentity> users;
  for (auto& section : machine->sections("user_assigned")) users.push_back(read_identity(section, tenants));
  std::chrono::seconds const lifetime(machine->number("token_lifetime_s", 1, 200'000, 86'399));
  machine->finish();
  return std::make_unique<InstanceMetadata>(std::move(system), std::move(users), lifetime, mint);
}

struct Limits {
  bool published{false};
  Throttle::Windows windows{};
  std::optional<unsigned> retry_after;
};

Limits read_limits(Section& azure) {
  bool const fixed = azure.word("limit_windows", {"sliding", "fixed"}, "sliding") == "fixed";
  Limits limits{azure.word("limits", {"none", "published"}, "none") == "published",
                fixed ? Throttle::Windows::fixed : Throttle::Windows::sliding, std::nullopt};
  if (azure.has("retry_after_s"))
    limits.retry_after = static_cast<unsigned>(azure.number("retry_after_s", 0, 3600, 1));
  return limits;
}

VaultSettings read_settings(Section& section, Limits const& limits, std::set<std::string> const& tenants) {
  static std::set<std::string> const inheritable{"tags", "exportable", "release_policy"};
  VaultSettings settings;
  settings.name = section.text("name");
  if (settings.name.size() < 3 || settings.name.size() > 24 || !is_key_name(settings.name)) {
    section.mistake("name", "3 to 24 letters, digits and '-' were expected");
  }
  bool const hsm = section.word("kind", {"vault", "managed-hsm"}, "vault") == "managed-hsm";
  settings.kind = hsm ? VaultKind::managed_hsm : VaultKind::vault;
  settings.tenant = lower(section.text("tenant"));
  if (!tenants.contains(settings.tenant)) section.mistake("tenant", "is not one of the tenants");
  for (auto const& client : section.texts("allowed_clients")) settings.allowed_clients.insert(lower(client));
  settings.envelope_provider = section.text("envelope_provider", "");
  settings.disabled_keys_wrap = section.flag("disabled_keys_wrap", true);
  if (section.has("rotate_keeps")) {
    settings.rotate_keeps.clear();
    for (auto const& member : section.texts("rotate_keeps")) {
      if (!inheritable.contains(member))
        section.mistake("rotate_keeps", fmt::format("'{}' is not known", member));
      settings.rotate_keeps.insert(member);
    }
  }
  settings.limits = limits.published;
  settings.windows = limits.windows;
  settings.retry_after = limits.retry_after;
  return settings;
}

}  // namespace

std::vector<std::unique_ptr<Service>> make_services(YAML::Node const& node, SeedContext& context) {
  Section azure(node, "azure", context.mistakes);
  std::vector<std::unique_ptr<Service>> services;
  auto tenants = read_tenants(azure);
  std::set<std::string> tenant_ids;
  for (auto const& tenant : tenants) tenant_ids.insert(tenant.id);
  TokenMint const mint(context.random.hex(64));
  std::chrono::seconds const lifetime(azure.number("token_lifetime_s", 1, 86'400, 3599));
  Limits const limits = read_limits(azure);
  auto entra = std::make_unique<Entra>(std::move(tenants), lifetime, mint, context.random);
  if (azure.word("assertions", {"once", "reusable"}, "once") == "reusable") entra->allow_reused_assertions();
  services.push_back(std::move(entra));
  auto directory = std::make_unique<VaultDirectory>();
  constexpr unsigned vaults_of_a_subscription = 5;
  auto const subscription =
      std::make_shared<Throttle>(VaultKind::vault, limits.windows, vaults_of_a_subscription);
  for (auto& section : azure.sections("vaults")) {
    auto settings = read_settings(section, limits, tenant_ids);
    VaultKind const kind = settings.kind;
    if (kind == VaultKind::vault) settings.subscription = subscription;
    auto vault = std::make_unique<Vault>(std::move(settings), mint, context.random, context.rsa_keys);
    for (auto& keys : section.sections("keys")) {
      for (auto& key : read_keys(keys, kind, context)) {
        std::string const name = key.name;
        if (!vault->seed(std::move(key))) keys.mistake("name", fmt::format("'{}' is there already", name));
      }
    }
    section.finish();
    directory->add(*vault);
    services.push_back(std::move(vault));
  }
  if (auto machine = read_machine(azure, tenant_ids, mint)) services.push_back(std::move(machine));
  services.push_back(
      arm::make_resource_manager(azure, limits.published, tenant_ids, std::move(directory), mint, context));
  azure.finish();
  return services;
}

}  // namespace rekeyd::sim::azure
