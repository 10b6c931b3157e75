#include "config/provider_reader.hpp"

#include "config/azure_reader.hpp"
#include "config/ibm_reader.hpp"
#include "config/rotation_limits_reader.hpp"
#include "config/settings_fields.hpp"
#include "config/unique_names.hpp"

#include <fmt/format.h>

#include <array>
#include <map>

namespace rekeyd::config {

namespace {

using enum ProviderKind;

bool is_azure(ProviderKind kind) { return kind == azure_key_vault || kind == azure_managed_hsm; }

ProviderSettings provider_of(Given const& given, Environment const& environment, Findings& findings) {
  FieldReader fields(given, findings);
  ProviderSettings provider;
  if (auto name = name_of(fields.required("name", "name: azure-prod"), findings))
    provider.name = ProviderName(*name);
  auto const kind = word_of<ProviderKind>(fields.required("kind", "kind: azure-key-vault"), findings);
  provider.limits = limits_of(fields.optional("limits"), kind, findings);
  provider.rotations = rotation_limits_of(fields.optional("rotations"), findings);
  if (!kind) {
    // Without its kind nothing can be said about these.
    fields.pass_over(std::array<std::string, 10>{"vaults", "instances", "cloud", "credentials", "api_version",
                                                 "rotate_by", "set_neutral_rotation_policy", "resources",
                                                 "resource_api_versions", "import_with_token"});
  } else if (is_azure(*kind)) {
    provider.kind = *kind;
    provider.cloud = read_azure(fields, *kind, environment, findings);
  } else {
    provider.kind = *kind;
    provider.cloud = read_ibm(fields, *kind, findings);
  }
  for (char const* const credential :
       {"tenant", "client_id", "client_secret", "client_certificate", "workload_identity", "managed_identity",
        "authority", "api_key", "iam_url"}) {
    fields.refuse(credential, "it belongs into 'credentials'");
  }
  fields.finish();
  return provider;
}

/// What rekeyd would rotate the keys of, or move the resources in.
struct Claim {
  std::string where;  ///< A vault's URL, an instance's id, or a subscription.
  std::string ring;   ///< Of an instance, or a subscription's resource group; empty: all of them.
  std::string name;
  Position at;
  char const* harm{"its keys would be rotated twice"};
};

std::vector<Claim> claims_of(AzureResourceScope const& scope, ProviderName const& provider, Position at) {
  std::vector<Claim> claims;
  std::vector<std::string> groups = scope.resource_groups;
  if (groups.empty()) groups.emplace_back();
  for (std::string const& group : groups) {
    std::string name = provider.str() + "'s subscription " + scope.subscription;
    if (!group.empty()) name += ", resource group " + group;
    claims.push_back(
        {scope.subscription, group, std::move(name), at, "its resources would be changed twice"});
  }
  return claims;
}

std::vector<Claim> claims_of(ProviderSettings const& provider, Position at) {
  std::vector<Claim> claims;
  if (auto const* const azure = std::get_if<AzureSettings>(&provider.cloud)) {
    for (AzureVault const& vault : azure->vaults) {
      claims.push_back({vault.url, "", provider.name.str() + "/" + vault.name.str(), at});
    }
    for (AzureResourceScope const& scope : azure->resources) {
      for (Claim& claim : claims_of(scope, provider.name, at)) claims.push_back(std::move(claim));
    }
  } else {
    for (IbmInstance const& instance : std::get<IbmSettings>(provider.cloud).instances) {
      // The id alone: one instance may be reached under several names (public, private).
      claims.push_back({instance.id, instance.key_ring, provider.name.str() + "/" + instance.name.str(), at});
    }
  }
  return claims;
}

class Claims {
 public:
  explicit Claims(Findings& findings) : findings_(findings) {}
  void add(Claim const& claim) {
    std::map<std::string, Claim>& rings = claims_[claim.where];
    if (Claim const* const other = overlap(rings, claim)) {
      findings_
          .error(claim.at, "claimed-twice",
                 fmt::format("{} and {} are the same: {}", other->name, claim.name, claim.harm),
                 "remove one of the two")
          .related.push_back(findings_.place(other->at));
    }
    rings.try_emplace(claim.ring, claim);
  }

 private:
  /// All rings and any one ring overlap; two different ones do not.
  static Claim const* overlap(std::map<std::string, Claim> const& rings, Claim const& claim) {
    if (rings.empty()) return nullptr;
    if (claim.ring.empty() || rings.begin()->first.empty()) return &rings.begin()->second;
    auto const same = rings.find(claim.ring);
    return same == rings.end() ? nullptr : &same->second;
  }

  Findings& findings_;
  std::map<std::string, std::map<std::string, Claim>> claims_;  ///< Where, then ring.
};

}  // namespace

std::vector<ProviderSettings> read_providers(Given const& given, Environment const& environment,
                                             Findings& findings) {
  std::vector<ProviderSettings> providers;
  UniqueNames names("a provider", findings);
  Claims claims(findings);
  for (Given item : list_of(given, findings)) {
    item.label = "a provider";
    if (!map_of(item, findings)) continue;
    ProviderSettings provider = provider_of(item, environment, findings);
    if (!provider.name.empty()) names.add(provider.name.str(), item.at());
    for (Claim const& claim : claims_of(provider, item.at())) claims.add(claim);
    providers.push_back(std::move(provider));
  }
  if (given && given.value->kind == YamlValue::Kind::list && given.value->items.empty()) {
    findings.error(given.at(), "empty-list", "'providers' is empty: there would be nothing to do");
  }
  return providers;
}

}  // namespace rekeyd::config
