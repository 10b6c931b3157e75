#include "tests/crash_points/rotation_case.hpp"

#include "tests/support/rsa_pem.hpp"

#include <fmt/format.h>

namespace rekeyd::crash_points {

namespace {

constexpr char const* tenant = "11111111-2222-4333-8444-555555555555";
constexpr char const* instance = "0a0a0a0a-0000-4000-8000-000000000001";
constexpr char const* ibm_key = "0b0b0b0b-0000-4000-8000-000000000001";

/// How one kind looks in a world file and in rekeyd.yaml.
struct Words {
  char const* name;
  char const* provider_kind;
  char const* cloud_kind;  ///< Of the vault, or the flavour of the instance.
  char const* url;         ///< Of the instance.
  std::string attributes;  ///< Of the key.
};

/// Confidential machines can start from such a key.
std::string confidential_key(std::string const& name_and_age) {
  return name_and_age +
         R"(, kty: RSA-HSM, exportable: true,
           release_policy: '{"version":"1.0.0","anyOf":[{"authority":"https://sharedweu.weu.attest.azure.net/","allOf":[{"claim":"x-ms-attestation-type","equals":"sevsnpvm"}]}]}')";
}

Words words_of(KeyKind kind) {
  switch (kind) {
    case KeyKind::key_vault:
      return {"Key Vault", "azure-key-vault", "vault", "",
              "name: cmk, created: 14 months ago, versions: 2, every: 6 months"};
    case KeyKind::managed_hsm:
      return {"Managed HSM", "azure-managed-hsm", "managed-hsm", "",
              "name: cmk, kty: oct-HSM, size: 256, created: 9 months ago"};
    case KeyKind::key_protect:
      return {"Key Protect", "ibm-key-protect", "key-protect", "https://us-south.kms.cloud.ibm.com",
              "name: crk, created: 20 months ago, versions: 2, every: 10 months"};
    case KeyKind::key_protect_imported:
      return {"Key Protect, imported", "ibm-key-protect", "key-protect", "https://us-south.kms.cloud.ibm.com",
              "name: crk, created: 1 months ago, imported: true"};
    case KeyKind::key_protect_with_material:
      return {"Key Protect, imported from a source", "ibm-key-protect", "key-protect",
              "https://us-south.kms.cloud.ibm.com", "name: crk, created: 8 months ago, imported: true"};
    case KeyKind::key_protect_with_token:
      return {"Key Protect, imported with a token", "ibm-key-protect", "key-protect",
              "https://us-south.kms.cloud.ibm.com", "name: crk, created: 8 months ago, imported: true"};
    case KeyKind::key_vault_with_material:
      return {"Key Vault, imported from a source", "azure-key-vault", "vault", "",
              "name: cmk, created: 14 months ago, tags: { rekeyd-origin: imported }"};
    case KeyKind::key_protect_dedicated:
      return {"Key Protect Dedicated", "ibm-key-protect-dedicated", "key-protect-dedicated",
              "https://0a0a0a0a-0000-4000-8000-000000000001.api.us-south.kms.appdomain.cloud",
              "name: crk, created: 8 months ago"};
    case KeyKind::hpcs:
      return {"HPCS", "ibm-hpcs", "hpcs",
              "https://0a0a0a0a-0000-4000-8000-000000000001.api.us-south.hs-crypto.appdomain.cloud",
              "name: crk, created: 8 months ago"};
    case KeyKind::confidential_machines:
      return {"Key Vault, with confidential machines", "azure-key-vault", "vault", "",
              confidential_key("name: cmk, created: 14 months ago, versions: 2, every: 6 months")};
    case KeyKind::machines_on_another_key:
      return {"a replacement under confidential machines", "azure-key-vault", "vault", "",
              confidential_key("name: cmk, created: 2 months ago, versions: 2")};
    case KeyKind::key_vault_replaced:
      return {"a replacement", "azure-key-vault", "vault", "",
              "name: cmk, created: 2 months ago, versions: 2"};
    case KeyKind::key_protect_replaced:
      return {"a replacement at Key Protect", "ibm-key-protect", "key-protect",
              "https://us-south.kms.cloud.ibm.com", "name: crk, created: 2 months ago, versions: 2"};
    case KeyKind::sql_and_storage:
      return {"Key Vault, with SQL servers and storage", "azure-key-vault", "vault", "",
              "name: cmk, created: 14 months ago, versions: 2, every: 6 months"};
  }
  return {};
}

bool has_machines(KeyKind kind) {
  return kind == KeyKind::confidential_machines || kind == KeyKind::machines_on_another_key;
}

bool has_resources(KeyKind kind) { return has_machines(kind) || kind == KeyKind::sql_and_storage; }

bool is_azure(KeyKind kind) {
  return kind == KeyKind::key_vault || kind == KeyKind::managed_hsm ||
         kind == KeyKind::key_vault_with_material || kind == KeyKind::key_vault_replaced ||
         has_resources(kind);
}

bool has_source(KeyKind kind) {
  return kind == KeyKind::key_vault_with_material || kind == KeyKind::key_protect_with_material ||
         kind == KeyKind::key_protect_with_token;
}

constexpr char const* servers = R"(  resource_manager: { key_change_s: 15 }
  subscriptions:
    - id: 99999999-aaaa-4bbb-8ccc-000000000001
      tenant: 11111111-2222-4333-8444-555555555555
      resource_groups: [{ name: apps }]
      sql_servers: [{ name: ledger, key: main/cmk }, { name: replica, key: main/cmk }]
      storage_accounts: [{ name: logs, key: main/cmk, pins_version: true }]
)";

constexpr char const* machines = R"(  resource_manager: { start_s: 20, deallocate_s: 20, key_change_s: 15 }
  subscriptions:
    - id: 99999999-aaaa-4bbb-8ccc-000000000001
      tenant: 11111111-2222-4333-8444-555555555555
      resource_groups: [{ name: apps }]
      disk_encryption_sets: [{ name: des, type: confidential-vm, key: main/cmk }]
      virtual_machines:
        - { name: "cvm-{n}", count: 4, security: confidential, disk_encryption_set: des }
        - { name: "idle-{n}", count: 2, security: confidential, disk_encryption_set: des, power: deallocated }
)";

std::string azure_clouds(Words const& words, unsigned deks, std::string const& others) {
  return fmt::format(R"(version: 1
rsa_pool: {{ size: 4, bits: [2048] }}
azure:
  tenants:
    - id: {}
      clients: [{{ id: 66666666-7777-4888-8999-000000000001, secret: demo-secret }}]
  vaults:
    - {{ name: main, kind: {}, tenant: {}, envelope_provider: cloud,
        keys: [{{ {}, deks: {} }}{}] }}
)",
                     tenant, words.cloud_kind, tenant, words.attributes, deks, others);
}

std::string ibm_clouds(Words const& words, unsigned deks, std::string const& others) {
  return fmt::format(R"(version: 1
ibm:
  account: 3f5a0c9e7d1b4826a0e4c7b9d2f61835
  api_keys: [{{ key: demo-secret, service_id: ServiceId-1 }}]
  instances:
    - name: main
      id: {}
      flavour: {}
      region: us-south
      envelope_provider: cloud
      keys:
        - {{ id: {}, {}, deks: {}, aad: [orders]{} }}
)",
                     instance, words.cloud_kind, ibm_key, words.attributes, deks, others);
}

std::string azure_provider(KeyKind kind, Words const& words) {
  std::string const neutral =
      std::string_view(words.cloud_kind) == "managed-hsm" ? "\n    set_neutral_rotation_policy: true" : "";
  return fmt::format(
      R"(  - name: cloud
    kind: {}
    credentials: {{ tenant: {}, client_id: 66666666-7777-4888-8999-000000000001,
                   client_secret: {{ credential: cloud }} }}
    vaults: [main]{}{}
)",
      words.provider_kind, tenant, neutral,
      has_resources(kind) ? "\n    resources: [{ subscription: 99999999-aaaa-4bbb-8ccc-000000000001 }]" : "");
}

std::string ibm_provider(KeyKind kind, Words const& words) {
  std::string const token = kind == KeyKind::key_protect_with_token ? "\n    import_with_token: true" : "";
  return fmt::format(R"(  - name: cloud
    kind: {}
    credentials: {{ api_key: {{ credential: cloud }} }}
    instances: [{{ name: main, id: {}, url: "{}" }}]{}
)",
                     words.provider_kind, instance, words.url, token);
}

/// Nothing but the one key is ever due, and nothing holds it.
std::string settings(std::string const& provider) {
  return R"(version: 1
policies: policies.d
inventory: { every: 30 hours }
rotations: { per_hour: 6, in_flight: 3, overdue_after: 24 hours, storm_warning_percent: 100, storm_hold_percent: 100 }
dek_stores:
  - { name: apps, kind: envelope-directory, path: deks }
material_sources:
  - { name: fresh, kind: random, bits: 256 }
  - { name: key-room, kind: file, folder: material }
providers:
)" + provider;
}

std::string policies(KeyKind kind, Deks deks, char const* mode) {
  std::string const source = is_azure(kind) ? "key-room" : "fresh";
  return fmt::format(R"(version: 1
policies:
  - {{ name: all, match: {{ key: "*" }}, every: 6 months, mode: {}, wrap: {}, confidential_vms: {{ stop: true }}{} }}
)",
                     mode, deks == Deks::wrapped_by_service ? "service" : "local",
                     has_source(kind) ? ", material: " + source : "");
}

std::string name_of(Words const& words, Deks deks) {
  switch (deks) {
    case Deks::none:
      return fmt::format("{}, without wrapped DEKs", words.name);
    case Deks::wrapped_locally:
      return fmt::format("{}, with wrapped DEKs", words.name);
    case Deks::wrapped_by_service:
      return fmt::format("{}, with DEKs that the service wraps", words.name);
  }
  return words.name;
}

/// What else there is: a key that could take the place, or a volume that has registered. Nobody can move a
/// registration to another key.
std::string others_beside(KeyKind kind) {
  if (kind == KeyKind::machines_on_another_key)
    return fmt::format(", {{ {} }}", confidential_key("name: cmk-2, created: 1 months ago"));
  if (is_azure(kind) || kind == KeyKind::key_protect_replaced) return "";
  return R"(,
            registrations: [{ crn: "crn:v1:bluemix:public:is:us-south-1:a/3f5a0c9e7d1b4826a0e4c7b9d2f61835::volume:r006-7a1e" }])";
}

}  // namespace

RotationCase rotation_case(KeyKind kind, Deks deks) {
  Words const words = words_of(kind);
  unsigned const number = deks == Deks::none ? 0 : 2;
  RotationCase made;
  made.name = name_of(words, deks);
  made.kind = kind;
  made.key = std::string("cloud/main/") + (is_azure(kind) ? "cmk" : ibm_key);
  made.scenario.name = made.name;
  made.scenario.begin = parse_rfc3339("2026-11-22T00:00:00Z").value();
  made.scenario.clouds = is_azure(kind) ? azure_clouds(words, number, others_beside(kind))
                                        : ibm_clouds(words, number, others_beside(kind));
  made.scenario.settings = settings(is_azure(kind) ? azure_provider(kind, words) : ibm_provider(kind, words));
  made.scenario.policies = {policies(kind, deks, "enforce"), policies(kind, deks, "observe")};
  if (kind == KeyKind::key_vault_replaced || kind == KeyKind::key_protect_replaced)
    made.replacement = {
        .key = made.key, .by = "", .create = "cloud/main/cmk-2", .reason = "a backup was stolen"};
  if (kind == KeyKind::machines_on_another_key)
    made.replacement = {
        .key = made.key, .by = "cloud/main/cmk-2", .create = "", .reason = "a backup was stolen"};
  if (has_machines(kind)) made.scenario.clouds += machines;
  if (kind == KeyKind::sql_and_storage) made.scenario.clouds += servers;
  made.scenario.credentials = {{"cloud", "demo-secret"}};
  if (kind == KeyKind::key_vault_with_material) made.scenario.material = {{made.key, test::rsa_pem()}};
  return made;
}

}  // namespace rekeyd::crash_points
