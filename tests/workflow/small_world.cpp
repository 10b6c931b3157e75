#include "tests/workflow/small_world.hpp"

#include "storage/verify.hpp"
#include "tests/simulator/envelope.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace rekeyd::test {

namespace json = boost::json;
namespace fs = std::filesystem;

char const* const vault_key = "azure-prod/payments-eu/cmk-ledger";
char const* const hsm_key = "hsm-prod/treasury-hsm/cmk-master";
char const* const ibm_key = "ibm-prod/kp-main/0b0b0b0b-0000-4000-8000-000000000101";

namespace {

constexpr char const* world_text = R"(version: 1
rsa_pool: { size: 4, bits: [2048] }
azure:
  tenants:
    - id: 11111111-2222-4333-8444-555555555555
      clients: [{ id: 66666666-7777-4888-8999-000000000001, secret: demo-azure-secret }]
  vaults:
    - name: payments-eu
      tenant: 11111111-2222-4333-8444-555555555555
      envelope_provider: azure-prod
      keys:
        - { name: cmk-ledger, created: 14 months ago, versions: 2, every: 7 months, tags: { tier: pci }, deks: 3 }
        - { name: cmk-fresh, created: 8 days ago }
    - name: treasury-hsm
      kind: managed-hsm
      tenant: 11111111-2222-4333-8444-555555555555
      envelope_provider: hsm-prod
      keys:
        - { name: cmk-master, kty: oct-HSM, size: 256, created: 9 months ago, rotation_policy: neutral, deks: 3 }
ibm:
  account: 3f5a0c9e7d1b4826a0e4c7b9d2f61835
  api_keys: [{ key: demo-ibm-prod, service_id: ServiceId-1 }]
  instances:
    - name: kp-main
      id: 0a0a0a0a-0000-4000-8000-000000000001
      flavour: key-protect
      region: us-south
      envelope_provider: ibm-prod
      keys:
        - { name: crk-orders, id: 0b0b0b0b-0000-4000-8000-000000000101, created: 8 months ago, deks: 3, aad: [orders] }
        - { name: crk-fresh, id: 0b0b0b0b-0000-4000-8000-000000000102, created: 9 days ago }
)";

constexpr char const* settings_text = R"(version: 1
policies: policies.d
inventory: { every: 1 hour }
rotations: { per_hour: 60, in_flight: 8, overdue_after: 24 hours, storm_warning_percent: 20 }
providers:
  - name: azure-prod
    kind: azure-key-vault
    credentials: { tenant: 11111111-2222-4333-8444-555555555555, client_id: 66666666-7777-4888-8999-000000000001,
                   client_secret: { credential: azure-prod } }
    vaults: [payments-eu]
  - name: hsm-prod
    kind: azure-managed-hsm
    credentials: { tenant: 11111111-2222-4333-8444-555555555555, client_id: 66666666-7777-4888-8999-000000000001,
                   client_secret: { credential: hsm-prod } }
    vaults: [treasury-hsm]
  - name: ibm-prod
    kind: ibm-key-protect
    credentials: { api_key: { credential: ibm-prod } }
    instances: [{ name: kp-main, id: 0a0a0a0a-0000-4000-8000-000000000001, url: "https://us-south.kms.cloud.ibm.com" }]
dek_stores:
  - { name: apps, kind: envelope-directory, path: deks }
)";

constexpr char const* policies_text = R"(version: 1
policies:
  - { name: all, match: { key: "*" }, every: 6 months }
)";

std::string text(json::value const& value) { return std::string(value.as_string()); }

void add_key(std::map<std::string, CloudKey>& keys, std::string const& ref, json::object const& key,
             char const* current) {
  CloudKey& seen = keys[ref];
  for (json::value const& version : key.at("versions").as_array()) {
    seen.versions.insert(text(version.as_object().at("id")));
  }
  seen.current = text(key.at(current));
}

sim::Envelope read_envelope(fs::path const& file) {
  std::ifstream in(file);
  std::ostringstream all;
  all << in.rdbuf();
  auto const parsed = json::parse(all.str());
  auto const envelope = sim::envelope_from_json(parsed.as_object());
  REQUIRE(envelope);
  return *envelope;
}

/// SHA-256 of each DEK that the world began with.
std::set<std::string> known_deks(LivingDaemon& life) {
  std::set<std::string> known;
  for (sim::SeededDek const& dek : life.cloud().deks()) known.insert(dek.dek_sha256);
  return known;
}

void check_deks(LivingDaemon& life, bool current) {
  std::set<std::string> left = known_deks(life);
  auto const keys = keys_at_clouds(life);
  for (auto const& entry : fs::recursive_directory_iterator(life.folder() / "deks")) {
    if (entry.path().extension() != ".json") continue;
    INFO(entry.path());
    sim::Envelope const envelope = read_envelope(entry.path());
    auto const dek = life.cloud().unwrap_check(envelope);
    REQUIRE(dek);
    REQUIRE(left.erase(*dek) == 1);
    std::string const key = envelope.provider + "/" + envelope.vault + "/" + envelope.key;
    if (current) REQUIRE(envelope.key_version == keys.at(key).current);
  }
  REQUIRE(left.empty());
}

}  // namespace

LivingDaemon::Files small_world() {
  LivingDaemon::Files files;
  files.world_text = world_text;
  files.settings = settings_text;
  files.policies = policies_text;
  return files;
}

std::size_t opened(LivingDaemon& life) { return life.events(EventKind::rotation_opened).size(); }
std::size_t done(LivingDaemon& life) { return life.events(EventKind::rotation_done).size(); }

LivingDaemon& settle(LivingDaemon& life) {
  life.start();
  REQUIRE(life.run_until([&] { return life.settled(); }));
  REQUIRE(done(life) == 3);
  return life;
}

std::map<std::string, CloudKey> keys_at_clouds(LivingDaemon& life) {
  std::map<std::string, CloudKey> keys;
  json::value const state = life.cloud().state(life.clock().wall_now());
  for (json::value const& service : state.as_object().at("services").as_array()) {
    if (!service.is_object()) continue;
    json::object const& of = service.as_object();
    if (auto const* vault = of.if_contains("vault")) {
      for (auto const& [name, key] : of.at("keys").as_object()) {
        add_key(keys, text(of.at("provider")) + "/" + text(*vault) + "/" + std::string(name), key.as_object(),
                "current");
      }
    }
    if (auto const* instances = of.if_contains("instances")) {
      for (json::value const& instance : instances->as_array()) {
        json::object const& in = instance.as_object();
        for (json::value const& key : in.at("keys").as_array()) {
          if (text(key.as_object().at("kind")) != "root") continue;
          std::string const ref =
              text(in.at("provider")) + "/" + text(in.at("name")) + "/" + text(key.as_object().at("id"));
          add_key(keys, ref, key.as_object(), "current_version");
        }
      }
    }
  }
  return keys;
}

std::map<std::string, CloudKey> keys_on_record(LivingDaemon& life) {
  std::map<std::string, CloudKey> keys;
  auto const stored = life.store().keys();
  REQUIRE(stored);
  for (storage::StoredKey const& key : *stored) {
    CloudKey& seen = keys[key.key.ref.text()];
    for (KeyVersion const& version : key.versions) seen.versions.insert(version.id.str());
    if (key.key.current) seen.current = key.key.current->str();
  }
  return keys;
}

void require_deks_on_current_versions(LivingDaemon& life) { check_deks(life, true); }
void require_deks_readable(LivingDaemon& life) { check_deks(life, false); }

sim::FaultRule fault(char const* kind, char const* host, char const* method, char const* path) {
  json::object const rule{{"kind", kind}, {"host", host}, {"method", method}, {"path", path}, {"times", 1}};
  auto rules = sim::faults_from_json(json::serialize(rule));
  if (!rules) throw std::runtime_error(rules.error());
  return rules->front();
}

void refuse_rewraps(LivingDaemon& life) {
  sim::FaultRule down = fault("refuse", "us-south.*", "POST", "*/actions/rewrap");
  down.times = 100;
  life.cloud().faults().add(down);
}

void require_versions_told_once(LivingDaemon& life) {
  std::map<std::pair<std::string, std::string>, int> told;
  for (auto const& recorded : life.events(EventKind::version_found)) {
    ++told[{recorded.event.key->text(), recorded.event.version->str()}];
  }
  for (auto const& [key, truth] : keys_at_clouds(life)) {
    for (std::string const& version : truth.versions) {
      INFO(key << " " << version);
      REQUIRE(told[{key, version}] == 1);
    }
  }
}

void require_sound_history(fs::path const& database) {
  auto const report = storage::verify(database);
  REQUIRE(report);
  for (storage::Finding const& finding : report->findings) UNSCOPED_INFO(finding.what);
  REQUIRE(report->sound());
}

}  // namespace rekeyd::test
