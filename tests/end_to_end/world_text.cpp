#include "tests/end_to_end/world_text.hpp"

#include <fmt/format.h>

namespace rekeyd::test {

namespace {

constexpr char dedicated_id[] = "0a0a0a0a-0000-4000-8000-000000000002";
constexpr char hpcs_id[] = "0a0a0a0a-0000-4000-8000-000000000003";

std::string key_list(std::vector<std::string> const& keys) {
  if (keys.empty()) return "      keys: []\n";
  std::string text = "      keys:\n";
  for (std::string const& key : keys) text += "        - " + key + "\n";
  return text;
}

std::string azure_vault(char const* name, char const* kind, char const* provider,
                        std::vector<std::string> const& keys) {
  return fmt::format("    - name: {}\n      kind: {}\n      tenant: {}\n      envelope_provider: {}\n{}",
                     name, kind, tenant, provider, key_list(keys));
}

std::string ibm_instance(char const* name, char const* id, char const* flavour, char const* provider,
                         std::vector<std::string> const& keys) {
  return fmt::format(
      "    - name: {}\n      id: {}\n      flavour: {}\n      region: us-south\n      envelope_provider: "
      "{}\n{}",
      name, id, flavour, provider, key_list(keys));
}

std::string azure_provider(char const* name, char const* kind, char const* vault,
                           SettingsText const& settings) {
  std::string text = fmt::format(
      "  - name: {}\n    kind: {}\n    credentials:\n      tenant: {}\n      client_id: {}\n"
      "      {}\n    vaults: [{}]\n    rotate_by: {}\n    limits: {}\n",
      name, kind, tenant, client_id, settings.azure_proof, vault, settings.rotate_by,
      settings.provider_limits);
  if (std::string_view(kind) == "azure-key-vault" && !settings.resources.empty()) {
    text += fmt::format("    resources: {}\n", settings.resources);
  }
  if (std::string_view(kind) == "azure-managed-hsm") {
    text += fmt::format("    set_neutral_rotation_policy: {}\n", settings.set_neutral_rotation_policy);
  }
  return text;
}

std::string ibm_provider(char const* name, char const* kind, char const* instance, char const* id,
                         std::string const& host, SettingsText const& settings) {
  return fmt::format(
      "  - name: {}\n    kind: {}\n    credentials: {{ api_key: {{ credential: ibm }} }}\n    instances:\n"
      "      - {{ name: {}, id: {}, url: \"https://{}\" }}\n    limits: {}\n",
      name, kind, instance, id, host, settings.provider_limits);
}

constexpr char orders_id[] = "0a0a0a0a-0000-4000-8000-000000000001";
constexpr char orders_host[] = "us-south.kms.cloud.ibm.com";
std::string dedicated_host() { return fmt::format("{}.api.us-south.kms.appdomain.cloud", dedicated_id); }
std::string hpcs_host() { return fmt::format("{}.api.us-south.hs-crypto.appdomain.cloud", hpcs_id); }

std::string connect_to(SettingsText const& settings) {
  std::string text = "  connect_to:\n";
  for (std::string const& host : cloud_hosts()) {
    auto const elsewhere = settings.other_ports.find(host);
    text += fmt::format("    \"{}:443\": \"127.0.0.1:{}\"\n", host,
                        elsewhere == settings.other_ports.end() ? settings.port : elsewhere->second);
  }
  return text;
}

}  // namespace

std::string ibm_key_id(unsigned number) { return fmt::format("0b0b0b0b-0000-4000-8000-{:012}", number); }

std::string ibm_key(std::string const& name, unsigned number) {
  return fmt::format("name: {}, id: {}", name, ibm_key_id(number));
}

WorldKeys one_due_key_everywhere(unsigned deks) {
  std::string const due = fmt::format("created: 14 months ago, deks: {}", deks);
  std::string const fresh = "created: 2 months ago, deks: 1";
  WorldKeys keys;
  keys.payments = {fmt::format("{{ name: cmk-due, tags: {{ tier: pci }}, {} }}", due),
                   fmt::format("{{ name: cmk-fresh, {} }}", fresh)};
  keys.treasury = {fmt::format("{{ name: hsm-due, kty: RSA-HSM, size: 2048, {} }}", due),
                   fmt::format("{{ name: hsm-fresh, kty: RSA-HSM, size: 2048, {} }}", fresh)};
  keys.orders = {fmt::format("{{ {}, aad: [orders, eu], {} }}", ibm_key("crk-due", 101), due),
                 fmt::format("{{ {}, {} }}", ibm_key("crk-fresh", 102), fresh)};
  keys.dedicated = {fmt::format("{{ {}, {} }}", ibm_key("ded-due", 201), due),
                    fmt::format("{{ {}, {} }}", ibm_key("ded-fresh", 202), fresh)};
  keys.legacy = {fmt::format("{{ {}, {} }}", ibm_key("hpcs-due", 301), due),
                 fmt::format("{{ {}, {} }}", ibm_key("hpcs-fresh", 302), fresh)};
  return keys;
}

std::string world_text(WorldKeys const& keys, std::string const& more) {
  std::string text = "version: 1\nrsa_pool: { size: 4, bits: [2048] }\nazure:\n  tenants:\n";
  text += fmt::format("    - {{ id: {}, clients: [{{ id: {}, secret: {} }}] }}\n  vaults:\n", tenant,
                      client_id, client_secret);
  text += azure_vault("payments", "vault", "azure", keys.payments);
  text += azure_vault("treasury", "managed-hsm", "hsm", keys.treasury);
  text += keys.azure_more;
  text += fmt::format(
      "ibm:\n  account: 3f5a0c9e7d1b4826a0e4c7b9d2f61835\n  api_keys:\n    - {{ key: {}, "
      "service_id: ServiceId-0a0a0a0a-test }}\n  instances:\n",
      api_key);
  text += ibm_instance("orders", orders_id, "key-protect", "kp", keys.orders);
  text += ibm_instance("ledger", dedicated_id, "key-protect-dedicated", "dedicated", keys.dedicated);
  text += ibm_instance("legacy", hpcs_id, "hpcs", "hpcs", keys.legacy);
  return text + more;
}

std::string settings_text(SettingsText const& settings) {
  std::string text = "version: 1\npolicies: policies.d\n";
  text += fmt::format("inventory: {{ every: {} }}\nrotations: {}\n", settings.inventory_every,
                      settings.rotations);
  text += fmt::format("network:\n  ca_file: {}\n{}providers:\n", settings.ca_file, connect_to(settings));
  text += azure_provider("azure", "azure-key-vault", "payments", settings);
  text += azure_provider("hsm", "azure-managed-hsm", "treasury", settings);
  text += ibm_provider("kp", "ibm-key-protect", "orders", orders_id, orders_host, settings);
  text += ibm_provider("dedicated", "ibm-key-protect-dedicated", "ledger", dedicated_id, dedicated_host(),
                       settings);
  text += ibm_provider("hpcs", "ibm-hpcs", "legacy", hpcs_id, hpcs_host(), settings);
  text += fmt::format("dek_stores:\n  - {{ name: apps, kind: envelope-directory, path: {} }}\n",
                      settings.dek_folder);
  return text + settings.more;
}

std::string rotate_everything(std::string const& every) {
  return "version: 1\npolicies:\n  - name: everything\n    match: { key: \"*\" }\n    every: " + every + "\n";
}

std::vector<std::string> const& cloud_hosts() {
  static std::vector<std::string> const hosts{"login.microsoftonline.com",
                                              "payments.vault.azure.net",
                                              "treasury.managedhsm.azure.net",
                                              "management.azure.com",
                                              "iam.cloud.ibm.com",
                                              orders_host,
                                              dedicated_host(),
                                              hpcs_host()};
  return hosts;
}

}  // namespace rekeyd::test
