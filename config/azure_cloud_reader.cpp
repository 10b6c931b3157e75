#include "config/azure_cloud_reader.hpp"

#include "config/name_syntax.hpp"
#include "config/settings_fields.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rekeyd::config {

namespace {

std::optional<AzureCloud> cloud_by_name(Given const& given, Findings& findings) {
  std::vector<std::string> names;
  for (AzureCloud const& cloud : azure_clouds()) names.push_back(cloud.name);
  auto const index = word_index_of(given, names, findings);
  if (!index) return std::nullopt;
  return azure_clouds()[*index];
}

std::optional<std::string> domain_of(Given const& given, Findings& findings) {
  auto const text = text_of(given, findings);
  if (!text) return std::nullopt;
  if (is_domain(*text)) return lower_case(*text);
  findings.error(given.at(), "domain",
                 fmt::format("{}: expected a domain of two labels or more", given.label),
                 "like vault.azure.net, without https://");
  return std::nullopt;
}

std::optional<std::string> url_text_of(Given const& given, Findings& findings) {
  auto url = url_of(given, findings);
  if (!url) return std::nullopt;
  return std::move(url->text);
}

AzureCloud const* cloud_of_host(std::string_view host) {
  for (AzureCloud const& cloud : azure_clouds()) {
    for (std::string const* domain : {&cloud.vault_domain, &cloud.managed_hsm_domain}) {
      if (host.ends_with("." + *domain)) return &cloud;
    }
    bool const alias = std::ranges::count(cloud.authority_aliases, host) > 0;
    if (alias || cloud.authority == fmt::format("https://{}", host)) return &cloud;
  }
  return nullptr;
}

}  // namespace

AzureCloud read_azure_cloud(Given const& given, Findings& findings) {
  if (!given) return {};
  if (given.value->kind != YamlValue::Kind::map) return cloud_by_name(given, findings).value_or(AzureCloud());
  FieldReader fields(given, findings);
  AzureCloud cloud;
  assign(cloud, cloud_by_name(fields.optional("name"), findings));
  assign(cloud.vault_domain, domain_of(fields.optional("vault_domain"), findings));
  assign(cloud.managed_hsm_domain, domain_of(fields.optional("managed_hsm_domain"), findings));
  assign(cloud.arm_endpoint, url_text_of(fields.optional("arm_endpoint"), findings));
  assign(cloud.arm_audience, url_text_of(fields.optional("arm_audience"), findings));
  fields.refuse("authority", "it belongs into 'credentials'");
  fields.finish();
  return cloud;
}

void check_authority(std::string const& authority, Given const& given, AzureCloud const& cloud,
                     Findings& findings) {
  auto const host = authority.substr(authority.find("//") + 2);
  auto const* const real = cloud_of_host(host);
  if (real == nullptr || real->name == cloud.name) return;
  findings.error(given.at(), "cloud-mismatch",
                 fmt::format("{}: this is the authority of Azure's cloud '{}', but the provider's is '{}'",
                             given.label, real->name, cloud.name),
                 fmt::format("say 'cloud: {}', or correct the authority", real->name));
}

void check_vault_host(std::string const& host, std::string const& domain, Given const& given,
                      AzureCloud const& cloud, Findings& findings) {
  if (host.ends_with("." + domain)) return;
  auto const* const real = cloud_of_host(host);
  if (real != nullptr && real->name != cloud.name) {
    findings.error(given.at(), "cloud-mismatch",
                   fmt::format("{}: this host belongs to Azure's cloud '{}', but the provider's is '{}'",
                               given.label, real->name, cloud.name),
                   fmt::format("say 'cloud: {}', or correct the url", real->name));
    return;
  }
  findings.error(
      given.at(), "cloud-mismatch",
      fmt::format("{}: this host does not lie below {}, where the cloud's vaults are", given.label, domain),
      "correct the url, or name the domain in 'cloud'");
}

}  // namespace rekeyd::config
