#include "config/glob_syntax.hpp"
#include "config/load.hpp"
#include "config/name_syntax.hpp"
#include "config/near_word.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rekeyd::config {

namespace {

std::vector<std::string> vault_names(ProviderSettings const& provider) {
  std::vector<std::string> names;
  if (auto const* const azure = std::get_if<AzureSettings>(&provider.cloud)) {
    for (AzureVault const& vault : azure->vaults) names.push_back(vault.name.str());
  } else {
    for (IbmInstance const& instance : std::get<IbmSettings>(provider.cloud).instances) {
      names.push_back(instance.name.str());
    }
  }
  return names;
}

/// Names in rekeyd.yaml are in lower case; patterns match without regard to case.
bool names_one_of(std::string const& exact, std::vector<std::string> const& names) {
  return std::ranges::find(names, lower_case(exact)) != names.end();
}

Diagnostic warning(RotationPolicy const& policy, std::string const& what, std::string const& name,
                   std::vector<std::string> const& names) {
  return {Severity::warning,
          policy.place,
          "unknown-name",
          fmt::format("the policy '{}' can match no key: rekeyd.yaml has no {} '{}'", policy.name.str(), what,
                      name),
          did_you_mean(name, names),
          {}};
}

/// A source that is not there would show only when the key is due: an error, unlike a policy that matches
/// nothing yet.
void check_material(MaterialSourceName const& source, SourcePlace const& place,
                    std::vector<std::string> const& sources, std::vector<Diagnostic>& found) {
  if (source.empty() || std::ranges::find(sources, source.str()) != sources.end()) return;
  found.push_back(
      {Severity::error,
       place,
       "unknown-name",
       fmt::format("rekeyd.yaml has no material source '{}'", source.str()),
       sources.empty() ? "add it under 'material_sources' there" : did_you_mean(source.str(), sources),
       {}});
}

void check_materials(PolicySet const& policies, Settings const& settings, std::vector<Diagnostic>& found) {
  std::vector<std::string> sources;
  for (auto const& source : settings.material_sources) sources.push_back(source.name.str());
  for (RotationPolicy const& policy : policies.policies) {
    check_material(policy.material, policy.place, sources, found);
    for (KeyOverride const& exception : policy.keys) {
      if (exception.material) check_material(*exception.material, exception.place, sources, found);
    }
  }
}

}  // namespace

std::vector<Diagnostic> check_names(PolicySet const& policies, Settings const& settings) {
  std::vector<Diagnostic> found;
  check_materials(policies, settings, found);
  std::vector<std::string> providers;
  for (ProviderSettings const& provider : settings.providers) providers.push_back(provider.name.str());
  for (RotationPolicy const& policy : policies.policies) {
    auto const& wanted = policy.match.provider;
    bool const one_provider = wanted && is_exact(*wanted);
    if (one_provider && !names_one_of(*wanted, providers)) {
      found.push_back(warning(policy, "provider", *wanted, providers));
      continue;
    }
    if (!policy.match.vault || !is_exact(*policy.match.vault)) continue;
    std::vector<std::string> vaults;
    for (ProviderSettings const& provider : settings.providers) {
      if (one_provider && provider.name.str() != lower_case(*wanted)) continue;
      std::ranges::copy(vault_names(provider), std::back_inserter(vaults));
    }
    if (!names_one_of(*policy.match.vault, vaults)) {
      std::string const what =
          one_provider ? fmt::format("vault or instance of {} named", *wanted) : "vault or instance";
      found.push_back(warning(policy, what, *policy.match.vault, vaults));
    }
  }
  return found;
}

}  // namespace rekeyd::config
