#include "tests/rehearsal/small_fleet.hpp"

#include "config/load.hpp"
#include "storage/sqlite_store.hpp"

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace rekeyd::test {

namespace {

constexpr char const* configuration = R"(version: 1
policies: policies.d
database: rekeyd.db
inventory: { every: 24 hours }
providers:
  - name: azure-prod
    kind: azure-key-vault
    cloud: us-government
    credentials: { tenant: contoso.example, client_id: 66666666-7777-4888-8999-000000000009,
                   client_secret: { credential: nobody-reads-this } }
    vaults: [payments-eu, { name: lab, url: "https://lab-17.vault.usgovcloudapi.net" }]
  - name: hsm-prod
    kind: azure-managed-hsm
    credentials: { managed_identity: system-assigned }
    vaults: [treasury-hsm]
    set_neutral_rotation_policy: true
  - name: ibm-prod
    kind: ibm-key-protect
    credentials: { api_key: { credential: nobody-reads-this } }
    instances:
      - { name: kp-main, id: 0a0a0a0a-0000-4000-8000-000000000001, url: "https://eu-de.kms.cloud.ibm.com" }
      - { name: kp-ring, id: 0a0a0a0a-0000-4000-8000-000000000002, url: "https://eu-de.kms.cloud.ibm.com",
          key_ring: cards }
  - name: ibm-hpcs
    kind: ibm-hpcs
    credentials: { api_key: { credential: nobody-reads-this } }
    instances:
      - { name: hpcs-1, id: 0a0a0a0a-0000-4000-8000-000000000003,
          url: "https://0a0a0a0a-0000-4000-8000-000000000003.api.eu-de.hs-crypto.appdomain.cloud" }
dek_stores:
  - { name: apps, kind: envelope-directory, path: deks }
)";

constexpr char const* usual_policies = R"(version: 1
policies:
  - { name: ledger, match: { provider: azure-prod, tags: { tier: pci } }, every: 3 months }
  - { name: vaults, match: { provider: azure-prod }, every: 6 months }
  - { name: hsm, match: { provider: hsm-prod }, every: 1 month }
  - { name: ibm, match: { provider: "ibm-*" }, every: 4 months }
  - { name: unscheduled, match: { key: cmk-lonely }, every: 1 month, mode: observe }
)";

Instant at(char const* text) { return parse_rfc3339(text).value(); }

/// Version ids as each provider writes them.
VersionId version_id(KeyRef const& key, std::size_t number) {
  std::size_t const hash = std::hash<KeyRef>{}(key) % 0xffffffffULL;
  if (key.provider.str().starts_with("ibm"))
    return VersionId(fmt::format("{:08x}-0000-4000-8000-{:012x}", hash, number));
  return VersionId(fmt::format("{:024x}{:08x}", hash, number));
}

struct Made {
  char const* provider;
  char const* vault;
  char const* id;
  KeyType type;
  std::vector<char const*> created;
};

storage::StoredKey stored(Made const& made) {
  storage::StoredKey stored;
  RootKey& key = stored.key;
  key.ref = {ProviderName(made.provider), VaultName(made.vault), KeyId(made.id)};
  key.name = made.id;
  key.type = made.type;
  for (char const* created : made.created) {
    KeyVersion version;
    version.id = version_id(key.ref, stored.versions.size() + 1);
    version.created = at(created);
    stored.versions.push_back(std::move(version));
  }
  key.current = stored.versions.back().id;
  key.current_created = stored.versions.back().created;
  if (key.type.algorithm == KeyAlgorithm::rsa)
    key.operations = {"decrypt", "encrypt", "sign", "unwrapKey", "verify", "wrapKey"};
  stored.first_seen = at("2026-11-01T00:00:00Z");
  stored.last_seen = at("2026-11-20T00:00:00Z");
  return stored;
}

constexpr KeyType rsa{KeyAlgorithm::rsa, 2048, Protection::software};
constexpr KeyType rsa_hsm{KeyAlgorithm::rsa, 3072, Protection::hsm};
constexpr KeyType ec{KeyAlgorithm::ec, 256, Protection::software};
constexpr KeyType aes{KeyAlgorithm::aes, 256, Protection::hsm};

void add_azure(std::vector<storage::StoredKey>& keys) {
  auto const add = [&keys](char const* vault, char const* id, KeyType type,
                           std::vector<char const*> created) -> storage::StoredKey& {
    keys.push_back(stored({"azure-prod", vault, id, type, std::move(created)}));
    return keys.back();
  };
  auto& ledger = add("payments-eu", "cmk-ledger", rsa_hsm, {"2026-01-31T08:00:00Z", "2026-09-30T22:15:00Z"});
  ledger.key.tags = {{"tier", "pci"}};
  ledger.versions.back().operation = RotationId("8d6f3a52-0000-4000-8000-000000000001");
  add("payments-eu", "cmk-cards", rsa, {"2026-06-10T00:00:00Z"});
  auto& disabled = add("payments-eu", "cmk-disabled", rsa, {"2026-06-01T00:00:00Z"});
  disabled.key.state = KeyState::suspended;
  disabled.versions.back().enabled = false;
  auto& expired = add("payments-eu", "cmk-expired", rsa, {"2025-12-01T00:00:00Z"});
  expired.key.state = KeyState::deactivated;
  expired.key.expires = expired.versions.back().expires = at("2026-10-01T00:00:00Z");
  auto& coming = add("payments-eu", "cmk-coming", rsa, {"2026-11-10T00:00:00Z"});
  coming.key.state = KeyState::pre_activation;
  coming.versions.back().not_before = at("2027-01-01T00:00:00Z");
  auto& own = add("payments-eu", "cmk-rotates-itself", rsa, {"2026-11-01T00:00:00Z"});
  own.key.provider_rotation = ProviderRotation{true, "P90D"};
  add("payments-eu", "tls-frontend", rsa, {"2026-02-01T00:00:00Z"}).key.managed_elsewhere = true;
  auto& imported = add("payments-eu", "cmk-imported", rsa, {"2026-07-01T00:00:00Z"});
  imported.key.origin = Origin::imported;
  imported.key.tags = {{"rekeyd-origin", "imported"}};
  add("lab", "sign-ec", ec, {"2026-08-01T00:00:00Z"}).key.operations = {"sign", "verify"};
  auto& exportable = add("lab", "cmk-vm", rsa_hsm, {"2026-08-31T00:00:00Z"});
  exportable.key.exportable = true;
  exportable.key.release_policy = "e3b0c442";
  add("lab", "cmk-gone", rsa, {"2026-03-01T00:00:00Z"}).gone = true;
}

void add_hsm(std::vector<storage::StoredKey>& keys) {
  std::vector<char const*> many(95, "2026-10-20T00:00:00Z");
  keys.push_back(stored({"hsm-prod", "treasury-hsm", "cmk-worn-out", aes, many}));
  keys.push_back(stored({"hsm-prod", "treasury-hsm", "cmk-master", aes, {"2026-10-31T12:00:00Z"}}));
  for (storage::StoredKey& key : keys) {
    if (key.key.type == aes) key.key.operations = {"decrypt", "encrypt", "unwrapKey", "wrapKey"};
  }
}

void add_ibm(std::vector<storage::StoredKey>& keys) {
  auto const add = [&keys](char const* vault, int number, char const* name,
                           std::vector<char const*> created) -> storage::StoredKey& {
    std::string const id = fmt::format("0b0b0b0b-0000-4000-8000-{:012}", number);
    bool const hpcs = std::string_view(vault).starts_with("hpcs");
    keys.push_back(stored({hpcs ? "ibm-hpcs" : "ibm-prod", vault, id.c_str(), aes, std::move(created)}));
    keys.back().key.name = name;
    keys.back().key.key_ring = "default";
    return keys.back();
  };
  auto& orders = add("kp-main", 1001, "crk-orders", {"2025-05-31T00:00:00Z", "2026-08-31T00:00:00Z"});
  orders.key.tags = {{"tier", "pci"}, {"blue", ""}};
  orders.key.last_rotated = at("2026-08-31T00:00:00Z");
  auto& imported = add("kp-main", 1002, "crk-imported", {"2026-07-15T00:00:00Z"});
  imported.key.origin = Origin::imported;
  imported.key.type.bits = 0;
  add("kp-main", 1003, "crk-suspended", {"2026-07-20T00:00:00Z"}).key.state = KeyState::suspended;
  auto& deactivated = add("kp-main", 1004, "crk-deactivated", {"2026-08-20T00:00:00Z"});
  deactivated.key.state = KeyState::deactivated;
  deactivated.key.expires = at("2026-11-15T00:00:00Z");
  add("kp-main", 1005, "crk-destroyed", {"2026-04-20T00:00:00Z"}).key.state = KeyState::destroyed;
  auto& own = add("kp-main", 1006, "crk-rotates-itself", {"2026-11-05T00:00:00Z"});
  own.key.provider_rotation = ProviderRotation{true, "3 months of 30 days"};
  add("kp-ring", 2001, "crk-cards", {"2026-11-12T00:00:00Z"}).key.key_ring = "cards";
  add("hpcs-1", 3001, "crk-vault", {"2026-09-14T00:00:00Z"});
}

std::vector<storage::StoredVersion> versions_of(storage::StoredKey const& key) {
  std::vector<storage::StoredVersion> versions;
  for (KeyVersion const& version : key.versions)
    versions.push_back({key.key.ref, version, MadeBy::unknown, std::nullopt});
  return versions;
}

}  // namespace

std::vector<storage::StoredKey> every_kind_of_key() {
  std::vector<storage::StoredKey> keys;
  add_azure(keys);
  add_hsm(keys);
  add_ibm(keys);
  return keys;
}

SmallFleet::SmallFleet(std::vector<storage::StoredKey> keys) {
  folder_.write("rekeyd.yaml", configuration);
  write_policies(usual_policies);
  storage::Change change;
  for (storage::StoredKey& key : keys) {
    for (storage::StoredVersion& version : versions_of(key)) change.versions.push_back(std::move(version));
    change.keys.push_back(std::move(key));
  }
  HistoryEvent loaded;
  loaded.at = at("2026-11-20T00:00:00Z");
  loaded.kind = EventKind::policies_loaded;
  loaded.actor = "rekeyd";
  loaded.sentence = "5 policies in force";
  loaded.details["digest"] = config::load_policies(policies()).value.value().digest;
  change.events.push_back(std::move(loaded));
  record(change);
}

config::Settings SmallFleet::settings() const {
  auto loaded = config::load_settings(config(), [](std::string const&) { return std::nullopt; });
  if (!loaded.value) throw std::runtime_error(config::to_text(loaded.diagnostics.front()));
  return *std::move(loaded.value);
}

void SmallFleet::write_deks(KeyRef const& key, std::size_t count) const {
  for (std::size_t i = 0; i < count; ++i) {
    folder_.write(fmt::format("deks/{}/dek-{:03}.json", key.id.str(), i),
                  fmt::format(R"({{"rekeyd_envelope": 1, "provider": "{}", "vault": "{}", "key": "{}",
  "key_version": "1", "algorithm": "A256KW", "wdek": "bm90IGEgc2VjcmV0"}})",
                              key.provider.str(), key.vault.str(), key.id.str()));
  }
}

void SmallFleet::record(storage::Change const& change) const {
  auto store = storage::open_sqlite_store({.path = database()});
  if (!store) throw std::runtime_error(to_text(store.error()));
  if (auto const written = (*store)->commit(change); !written)
    throw std::runtime_error(to_text(written.error()));
}

}  // namespace rekeyd::test
