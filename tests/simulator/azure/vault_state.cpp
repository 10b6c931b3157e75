#include "tests/simulator/azure/key_algorithm.hpp"
#include "tests/simulator/azure/vault.hpp"
#include "tests/simulator/randomness.hpp"

#include <boost/json.hpp>

#include <ranges>

/// What the control host shows of a vault.
namespace rekeyd::sim::azure {

namespace json = boost::json;

namespace {

constexpr std::size_t dek_size = 32;

json::object version_state(KeyVersion const& version) {
  json::object state{{"id", version.id},
                     {"created", to_rfc3339(version.created)},
                     {"enabled", version.enabled},
                     {"kty", version.shape.kty()},
                     {"exportable", version.exportable}};
  if (version.expires) state["expires"] = to_rfc3339(*version.expires);
  if (version.tags) {
    json::object tags;
    for (auto const& [name, value] : *version.tags) tags[name] = value;
    state["tags"] = std::move(tags);
  }
  return state;
}

json::object key_state(Key const& key, VaultKind kind) {
  json::array versions;
  for (auto const& version : key.versions) versions.push_back(version_state(version));
  return {{"current", key.versions.back().id},
          {"deleted", key.deleted.has_value()},
          {"managed", key.managed},
          {"rotation_policy", key.policy ? json::value(policy_json(key.policy, kind)) : json::value(nullptr)},
          {"versions", std::move(versions)}};
}

}  // namespace

json::value Vault::state(Instant) const {
  json::object keys;
  for (auto const& [name, key] : keys_) keys[key.name] = key_state(key, settings_.kind);
  return {{"service", settings_.kind == VaultKind::managed_hsm ? "azure-managed-hsm" : "azure-key-vault"},
          {"provider", settings_.envelope_provider},
          {"vault", settings_.name},
          {"keys", std::move(keys)}};
}

void Vault::grow_older(std::chrono::seconds by, Instant now) {
  if (before_changes_) before_changes_(now);
  for (auto& [name, key] : keys_) azure::grow_older(key, by);
}

std::optional<KeyVersionFacts> Vault::facts(std::string const& name, std::string const& version,
                                            Instant at) const {
  auto const found = keys_.find(lower(name));
  if (found == keys_.end() || found->second.deleted) return std::nullopt;
  std::string const wanted = lower(version);
  for (KeyVersion const& one : found->second.versions | std::views::reverse) {
    if (one.created > at || (!wanted.empty() && one.id != wanted)) continue;
    return KeyVersionFacts{one.id,
                           one.shape.type == KeyType::rsa,
                           one.shape.hsm,
                           one.enabled,
                           one.exportable && !one.release_policy.empty(),
                           one.not_before,
                           one.expires,
                           one.created};
  }
  return std::nullopt;
}

void Vault::look_at(std::string const& name, Instant now) {
  auto const found = keys_.find(lower(name));
  if (found != keys_.end() && !found->second.deleted) rotate_if_due(found->second, now);
}

std::vector<KeyTruth> Vault::keys_as_they_are(Instant) const {
  std::vector<KeyTruth> all;
  std::string const prefix = settings_.envelope_provider + "/" + settings_.name + "/";
  for (auto const& [name, key] : keys_) {
    KeyTruth truth;
    truth.reference = prefix + name;
    for (KeyVersion const& version : key.versions)
      truth.versions.push_back({version.id, version.created, version.enabled});
    truth.current = key.versions.back().id;
    truth.usable = !key.deleted && key.versions.back().enabled;
    truth.root = !key.managed;
    all.push_back(std::move(truth));
  }
  return all;
}

std::vector<SeededDek> Vault::seed_deks() {
  std::vector<SeededDek> deks;
  for (auto const& [name, key] : keys_) {
    KeyVersion const& version = key.versions.back();
    std::string const algorithm = wrapping_algorithm(version.shape);
    for (unsigned i = 0; i < key.deks; ++i) {
      std::string const dek = random_.bytes(dek_size);
      auto const wrapped = protect(version, algorithm, true, {dek, {}, {}, {}}, random_);
      if (!wrapped) break;
      deks.push_back({{settings_.envelope_provider,
                       settings_.name,
                       key.name,
                       version.id,
                       algorithm,
                       base64url(wrapped->value),
                       {}},
                      sha256_hex(dek)});
    }
  }
  return deks;
}

std::optional<std::string> Vault::unwrap_check(Envelope const& envelope) const {
  bool const ours = envelope.vault == settings_.name &&
                    (envelope.provider.empty() || envelope.provider == settings_.envelope_provider);
  auto const key = ours ? keys_.find(lower(envelope.key)) : keys_.end();
  auto const wdek = from_base64url(envelope.wdek);
  if (key == keys_.end() || !wdek) return std::nullopt;
  for (auto const& version : key->second.versions) {
    if (version.id != envelope.key_version) continue;
    auto const dek = open(version, envelope.algorithm, true, {*wdek, {}, {}, {}});
    if (dek) return sha256_hex(dek->value);
  }
  return std::nullopt;
}

}  // namespace rekeyd::sim::azure
