#include "config/azure_reader.hpp"

#include "config/api_versions_reader.hpp"
#include "config/azure_cloud_reader.hpp"
#include "config/azure_resources_reader.hpp"
#include "config/entra_credentials_reader.hpp"
#include "config/name_syntax.hpp"
#include "config/settings_fields.hpp"
#include "config/unique_names.hpp"

#include <fmt/format.h>

namespace rekeyd::config {

namespace {

using Kind = YamlValue::Kind;

std::vector<std::pair<std::string, AzureRotateBy>> const ways{{"automatic", AzureRotateBy::automatic},
                                                              {"create", AzureRotateBy::create},
                                                              {"rotate", AzureRotateBy::rotate}};

/// Where the vaults of one provider are.
struct Vaults {
  ProviderKind kind;
  AzureCloud const& cloud;

  std::string const& domain() const {
    return kind == ProviderKind::azure_managed_hsm ? cloud.managed_hsm_domain : cloud.vault_domain;
  }
};

/// A bare name: the vault in the provider's cloud.
std::optional<AzureVault> vault_by_name(Given const& given, Vaults const& where, Findings& findings) {
  auto const name = text_of(given, findings);
  if (!name) return std::nullopt;
  if (!is_azure_vault_name(*name) || lower_case(*name) != *name) {
    findings.error(given.at(), "name",
                   fmt::format("{}: a vault's name is 3 to 24 lower-case letters, digits and single hyphens, "
                               "beginning with a letter",
                               given.label),
                   "for a name that is taken already write { name: ..., url: https://... }");
    return std::nullopt;
  }
  return AzureVault{VaultName(*name), fmt::format("https://{}.{}", *name, where.domain())};
}

std::optional<AzureVault> vault_of(Given const& given, Vaults const& where, Findings& findings) {
  if (given.value->kind != Kind::map) return vault_by_name(given, where, findings);
  FieldReader fields(given, findings);
  auto const name = name_of(fields.required("name", "name: payments-eu"), findings);
  Given const address = fields.required("url", "url: https://payments-eu.vault.azure.net");
  auto const url = service_url_of(address, where.kind, findings);
  fields.finish();
  if (!name || !url) return std::nullopt;
  check_vault_host(url->host, where.domain(), address, where.cloud, findings);
  return AzureVault{VaultName(*name), url->text};
}

std::vector<AzureVault> vaults_of(Given const& given, Vaults const& where, Findings& findings) {
  std::vector<AzureVault> vaults;
  UniqueNames names("a vault", findings);
  for (Given const& item : list_of(given, findings)) {
    auto vault = vault_of(item, where, findings);
    if (!vault) continue;
    names.add(vault->name.str(), item.at());
    vaults.push_back(std::move(*vault));
  }
  if (given && given.value->kind == Kind::list && given.value->items.empty()) {
    findings.error(given.at(), "empty-list", "'vaults' is empty: there would be nothing to rotate");
  }
  return vaults;
}

}  // namespace

AzureSettings read_azure(FieldReader& fields, ProviderKind kind, Environment const& environment,
                         Findings& findings) {
  AzureSettings azure;
  azure.cloud = read_azure_cloud(fields.optional("cloud"), findings);
  Vaults const where{kind, azure.cloud};
  azure.vaults = vaults_of(fields.required("vaults", "vaults: [payments-eu]"), where, findings);
  Given const credentials =
      fields.required("credentials", "credentials: { tenant: ..., client_id: ..., ... }");
  azure.credentials = read_entra_credentials(credentials, azure.cloud, environment, findings);
  assign(azure.api_version, vault_api_version_of(fields.optional("api_version"), findings));
  assign(azure.rotate_by, word_of(fields.optional("rotate_by"), ways, findings));
  if (kind == ProviderKind::azure_managed_hsm) {
    assign(azure.set_neutral_rotation_policy,
           truth_of(fields.optional("set_neutral_rotation_policy"), findings));
  } else {
    fields.refuse("set_neutral_rotation_policy", "only azure-managed-hsm needs and knows it");
  }
  azure.resources = azure_resources_of(fields.optional("resources"), findings);
  azure.resource_api_versions = resource_api_versions_of(fields.optional("resource_api_versions"), findings);
  fields.refuse("import_with_token", "it belongs to IBM's kinds");
  fields.refuse("instances", "it belongs to IBM's kinds; Azure's have 'vaults'");
  return azure;
}

}  // namespace rekeyd::config
