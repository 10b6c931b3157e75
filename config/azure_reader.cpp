#include "config/azure_reader.hpp"

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

/// A bare name: the vault in Azure's public cloud.
std::optional<AzureVault> vault_by_name(Given const& given, ProviderKind kind, Findings& findings) {
  auto const name = text_of(given, findings);
  if (!name) return std::nullopt;
  if (!is_azure_vault_name(*name) || lower_case(*name) != *name) {
    findings.error(given.at(), "name",
                   fmt::format("{}: a vault's name is 3 to 24 lower-case letters, digits and single hyphens, "
                               "beginning with a letter",
                               given.label),
                   "for another cloud or a private name write { name: ..., url: https://... }");
    return std::nullopt;
  }
  char const* const domain =
      kind == ProviderKind::azure_managed_hsm ? "managedhsm.azure.net" : "vault.azure.net";
  return AzureVault{VaultName(*name), fmt::format("https://{}.{}", *name, domain)};
}

std::optional<AzureVault> vault_of(Given const& given, ProviderKind kind, Findings& findings) {
  if (given.value->kind != Kind::map) return vault_by_name(given, kind, findings);
  FieldReader fields(given, findings);
  auto const name = name_of(fields.required("name", "name: payments-eu"), findings);
  auto const url =
      service_url_of(fields.required("url", "url: https://payments-eu.vault.azure.net"), kind, findings);
  fields.finish();
  if (!name || !url) return std::nullopt;
  return AzureVault{VaultName(*name), url->text};
}

std::vector<AzureVault> vaults_of(Given const& given, ProviderKind kind, Findings& findings) {
  std::vector<AzureVault> vaults;
  UniqueNames names("a vault", findings);
  for (Given const& item : list_of(given, findings)) {
    auto vault = vault_of(item, kind, findings);
    if (!vault) continue;
    names.add(vault->name.str(), item.at());
    vaults.push_back(std::move(*vault));
  }
  if (given && given.value->kind == Kind::list && given.value->items.empty()) {
    findings.error(given.at(), "empty-list", "'vaults' is empty: there would be nothing to rotate");
  }
  return vaults;
}

std::optional<std::string> guid_of(Given const& given, bool or_domain, Findings& findings) {
  auto text = text_of(given, findings);
  if (!text || is_uuid(*text) || (or_domain && is_domain(*text))) return text;
  findings.error(given.at(), "uuid",
                 fmt::format("{}: expected a GUID{}", given.label, or_domain ? " or a domain" : ""),
                 "like 11111111-2222-4333-8444-555555555555");
  return std::nullopt;
}

EntraCredentials credentials_of(Given given, Findings& findings) {
  EntraCredentials credentials;
  if (!map_of(given, findings)) return credentials;
  given.echo = Echo::no;
  FieldReader fields(given, findings);
  assign(credentials.tenant, guid_of(fields.required("tenant", "tenant: GUID"), true, findings));
  assign(credentials.client_id, guid_of(fields.required("client_id", "client_id: GUID"), false, findings));
  Given const secret = fields.required("client_secret", "client_secret: { credential: azure-prod }");
  assign(credentials.client_secret, secret_reference_of(secret, findings));
  if (auto const authority = url_of(fields.optional("authority"), findings)) {
    credentials.authority = authority->text;
  }
  for (char const* const ibm_field : {"api_key", "iam_url"}) {
    fields.refuse(ibm_field, "it belongs to IBM's kinds; Azure's take tenant, client_id and client_secret");
  }
  fields.finish();
  return credentials;
}

std::optional<std::string> api_version_of(Given const& given, Findings& findings) {
  // `api_version: 7.5` cannot be misread, so it needs no quotes here.
  bool const number = given && given.value->kind == Kind::scalar && is_azure_api_version(given.value->text);
  auto text = number ? given.value->text : text_of(given, findings);
  if (!text) return std::nullopt;
  if (!is_azure_api_version(*text)) {
    findings.error(given.at(), "api-version",
                   fmt::format("{}: '{}' is not an API version of Key Vault", given.label, *text),
                   "like \"7.5\" or \"2025-07-01\"");
    return std::nullopt;
  }
  for (char const* const before_rotation : {"7.0", "7.1", "7.2"}) {
    if (*text == before_rotation) {
      findings.error(given.at(), "api-version",
                     fmt::format("{}: version {} cannot rotate keys", given.label, *text),
                     "use 7.3 or newer");
      return std::nullopt;
    }
  }
  return text;
}

}  // namespace

AzureSettings read_azure(FieldReader& fields, ProviderKind kind, Findings& findings) {
  AzureSettings azure;
  azure.vaults = vaults_of(fields.required("vaults", "vaults: [payments-eu]"), kind, findings);
  Given const credentials =
      fields.required("credentials", "credentials: { tenant: ..., client_id: ..., ... }");
  azure.credentials = credentials_of(credentials, findings);
  assign(azure.api_version, api_version_of(fields.optional("api_version"), findings));
  assign(azure.rotate_by, word_of(fields.optional("rotate_by"), ways, findings));
  if (kind == ProviderKind::azure_managed_hsm) {
    assign(azure.set_neutral_rotation_policy,
           truth_of(fields.optional("set_neutral_rotation_policy"), findings));
  } else {
    fields.refuse("set_neutral_rotation_policy", "only azure-managed-hsm needs and knows it");
  }
  fields.refuse("instances", "it belongs to IBM's kinds; Azure's have 'vaults'");
  return azure;
}

}  // namespace rekeyd::config
