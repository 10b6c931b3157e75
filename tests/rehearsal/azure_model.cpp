#include "tests/rehearsal/model_parts.hpp"
#include "tests/simulator/azure/entra.hpp"
#include "tests/simulator/azure/names.hpp"
#include "tests/simulator/azure/vault.hpp"
#include "tests/simulator/message.hpp"
#include "tests/simulator/randomness.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace rekeyd::rehearsal {

namespace az = sim::azure;
namespace json = boost::json;

namespace {

constexpr char const* tenant = "11111111-2222-4333-8444-555555555555";
constexpr char const* client = "66666666-7777-4888-8999-000000000001";
constexpr char const* secret = "of-the-model-alone";

// Tags in which the daemon keeps what belongs to one version (providers/azure/key_vault_json.hpp).
constexpr char const* operation_tag = "rekeyd-op";
constexpr char const* origin_tag = "rekeyd-origin";

/// Nothing for what no vault of this kind can hold.
std::optional<az::KeyShape> shape_of(KeyType const& type, az::VaultKind kind) {
  bool const hsm = type.protection == Protection::hsm || kind == az::VaultKind::managed_hsm;
  az::KeyShape shape{az::KeyType::rsa, hsm, type.bits, {}};
  switch (type.algorithm) {
    case KeyAlgorithm::rsa:
      if (type.bits != 2048 && type.bits != 3072 && type.bits != 4096) return std::nullopt;
      return shape;
    case KeyAlgorithm::ec:
      shape.type = az::KeyType::ec;
      shape.curve = type.bits == 384 ? "P-384" : type.bits == 521 ? "P-521" : "P-256";
      shape.bits = 0;
      return shape;
    case KeyAlgorithm::aes:
      shape.type = az::KeyType::oct;
      if (type.bits == 0) shape.bits = 256;
      return shape.bits == 128 || shape.bits == 192 || shape.bits == 256 ? std::optional(shape)
                                                                         : std::nullopt;
    case KeyAlgorithm::other:
      return std::nullopt;
  }
  return std::nullopt;
}

json::object rotate_action(std::string const& interval) {
  constexpr std::string_view before = " before expiry";
  bool const by_expiry = interval.ends_with(before);
  std::string const length = by_expiry ? interval.substr(0, interval.size() - before.size()) : interval;
  return {{"trigger", {{by_expiry ? "timeBeforeExpiry" : "timeAfterCreate", length}}},
          {"action", {{"type", "Rotate"}}}};
}

/// The policy that the provider's own words describe; they do not tell how long new versions live.
std::optional<az::RotationPolicy> policy_of(KnownKey const& key, az::VaultKind kind, ModelParts& parts) {
  std::optional<ProviderRotation> const& rotation = key.stored.key.provider_rotation;
  bool const rotates = rotation && rotation->enabled && !rotation->interval.empty();
  if (!rotates && !parts.state.with_neutral_policy.contains(key.stored.key.ref)) return std::nullopt;
  json::object body;
  if (rotates) body["lifetimeActions"] = json::array{rotate_action(rotation->interval)};
  if (!rotates) body["attributes"] = {{"expiryTime", "P10Y"}};
  auto policy = az::parse_policy(body, kind, key.stored.key.expires, parts.now);
  if (policy) return *std::move(policy);
  parts.model.notes.push_back(fmt::format("the provider's own rotation of {} is left out: {}",
                                          key.stored.key.ref.text(), policy.error()));
  return std::nullopt;
}

az::KeyVersion version_of(KnownKey const& key, KeyVersion const& known, az::KeyVersion version) {
  version.id = known.id.str();
  version.enabled = known.enabled;
  version.not_before = known.not_before;
  version.expires = known.expires;
  version.created = version.updated = version.visible_from = known.created;
  az::Tags tags = key.stored.key.tags;
  if (known.operation) tags[operation_tag] = known.operation->str();
  // Only Managed HSM's external keys tell by themselves that their material came from elsewhere.
  if (key.stored.key.origin == Origin::imported) tags[origin_tag] = "imported";
  if (!tags.empty()) version.tags = std::move(tags);
  return version;
}

/// What all versions of the key have in common.
az::KeyVersion common_of(RootKey const& key, az::KeyShape shape, az::VaultKind kind) {
  az::KeyVersion common;
  common.shape = std::move(shape);
  common.key_ops.assign(key.operations.begin(), key.operations.end());
  if (common.key_ops.empty()) common.key_ops = az::all_operations(common.shape, kind);
  common.exportable = key.exportable;
  if (!key.release_policy.empty() || key.exportable) {
    common.release_policy = json::serialize(json::object{{"contentType", "application/json; charset=utf-8"},
                                                         {"data", sim::base64url("{}")},
                                                         {"immutable", false}});
  }
  return common;
}

std::optional<az::Key> model_key(KnownKey const& known, az::VaultKind kind, ModelParts& parts) {
  RootKey const& root = known.stored.key;
  auto const shape = shape_of(root.type, kind);
  if (!shape || known.stored.versions.empty()) return std::nullopt;
  sim::Cloud& cloud = *parts.model.cloud;
  az::KeyVersion const common = common_of(root, *shape, kind);
  az::Key key;
  key.name = root.name.empty() ? root.ref.id.str() : root.name;
  for (KeyVersion const& version : known.stored.versions) {
    az::KeyMaterial const* previous = key.versions.empty() ? nullptr : &key.versions.back().material;
    az::KeyVersion made = version_of(known, version, common);
    made.material = az::make_material(common.shape, cloud.rsa_keys(), cloud.random(), previous);
    key.versions.push_back(std::move(made));
  }
  key.policy = policy_of(known, kind, parts);
  key.managed = root.managed_elsewhere;
  if (shape->type != az::KeyType::ec) key.deks = static_cast<unsigned>(parts.deks.of(root.ref));
  if (root.state == KeyState::destroyed) key.deleted = std::max(known.stored.last_seen, Instant{});
  return key;
}

bool is_host_label(std::string const& name) {
  return !name.empty() && name.size() <= 63 && std::ranges::all_of(name, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
  });
}

/// Vaults by their own names where these can be told apart.
class VaultNames {
 public:
  std::string take(std::string const& name) {
    std::string taken = is_host_label(name) ? name : "vault";
    for (int number = 2; !given_.insert(sim::lower(taken)).second; ++number) {
      taken = fmt::format("{}-{}", is_host_label(name) ? name : "vault", number);
    }
    return taken;
  }

 private:
  std::set<std::string> given_;
};

void model_vault(config::ProviderSettings const& provider, config::AzureVault& vault, VaultNames& names,
                 az::TokenMint const& mint, ModelParts& parts) {
  bool const hsm = provider.kind == config::ProviderKind::azure_managed_hsm;
  az::VaultSettings settings;
  settings.name = names.take(vault.name.str());
  settings.kind = hsm ? az::VaultKind::managed_hsm : az::VaultKind::vault;
  settings.tenant = tenant;
  settings.envelope_provider = provider.name.str();
  settings.limits = true;
  az::VaultKind const kind = settings.kind;
  vault.url = fmt::format("https://{}{}", sim::lower(settings.name),
                          (hsm ? az::managed_hsm_suffix : az::vault_suffix).real);
  parts.vaults.emplace(std::pair(provider.name.str(), settings.name), vault.name);
  sim::Cloud& cloud = *parts.model.cloud;
  auto service = std::make_unique<az::Vault>(std::move(settings), mint, cloud.random(), cloud.rsa_keys());
  for_keys_of(parts.state, provider.name, vault.name, [&](KnownKey const& known) {
    auto key = model_key(known, kind, parts);
    if (!key || !service->seed(*std::move(key))) parts.model.left_out.insert(known.stored.key.ref);
  });
  cloud.add(std::move(service));
}

}  // namespace

void model_azure(ModelParts& parts) {
  sim::Cloud& cloud = *parts.model.cloud;
  az::TokenMint const mint(cloud.random().hex(64));
  VaultNames names;
  bool any = false;
  for (config::ProviderSettings& provider : parts.model.settings.providers) {
    auto* const azure = std::get_if<config::AzureSettings>(&provider.cloud);
    if (azure == nullptr) continue;
    any = true;
    config::SecretReference const reference{config::SecretReference::Kind::file, azure_secret};
    azure->resources.clear();  // The model has none of them: docs/rehearsing.md.
    azure->credentials = {tenant, client, config::ClientSecret{reference}};
    azure->cloud = {};
    for (config::AzureVault& vault : azure->vaults) model_vault(provider, vault, names, mint, parts);
  }
  if (!any) return;
  constexpr std::chrono::seconds token_lifetime(3599);
  std::vector<az::Tenant> tenants{{tenant, {{client, {secret}}}}};
  cloud.add(std::make_unique<az::Entra>(std::move(tenants), token_lifetime, mint, cloud.random()));
  parts.model.secrets[azure_secret] = secret;
}

}  // namespace rekeyd::rehearsal
