#include "tests/providers/azure/vault_world.hpp"

namespace rekeyd::test {

using namespace providers;

namespace {

constexpr long first_created = 1'774'656'000;

}  // namespace

std::string version_id(char digit) { return std::string(32, digit); }

VaultWorld::VaultWorld(AzureKind kind)
    : CloudScript(kind == AzureKind::key_vault ? vault_challenge : hsm_challenge) {
  options.name = ProviderName("azure-test");
  options.kind = kind;
  options.authority.authority.host = "login.microsoftonline.com";
  options.authority.tenant = "0f0e0d0c-1111-4222-8333-444455556666";
  options.authority.resource =
      kind == AzureKind::key_vault ? "https://vault.azure.net" : "https://managedhsm.azure.net";
  VaultAddress vault;
  vault.name = VaultName("pay");
  vault.endpoint.host = kind == AzureKind::key_vault ? "pay.vault.azure.net" : "pay.managedhsm.azure.net";
  options.vaults.push_back(vault);
  restart();
}

void VaultWorld::restart() { provider = make_key_vault(*client, credentials, loop.clock, random, options); }

BundleText VaultWorld::version(char digit, int created_after) const {
  BundleText text;
  text.host = options.vaults.front().endpoint.host;
  text.version = version_id(digit);
  text.attributes["created"] = std::to_string(first_created + created_after);
  return text;
}

void VaultWorld::show_versions(std::vector<BundleText> const& versions) {
  clear("GET /keys/cmk");
  clear("GET /keys/cmk/versions");
  on("GET /keys/cmk", versions.back().str());
  on("GET /keys/cmk/versions", page_of(versions));
  for (auto const& one : versions) {
    clear("GET /keys/cmk/" + one.version);
    on("GET /keys/cmk/" + one.version, one.str());
  }
}

KeyRef VaultWorld::key() const { return {ProviderName("azure-test"), VaultName("pay"), KeyId("cmk")}; }

RotateOrder VaultWorld::order(std::string const& operation) {
  RotateOrder order;
  order.operation = RotationId(operation);
  order.key.ref = key();
  return order;
}

std::string page_of(std::vector<BundleText> const& items, std::string const& next_link) {
  std::string text = "{\"value\":[";
  for (auto const& item : items) {
    if (text.back() == '}') text += ',';
    text += item.item();
  }
  text += "]";
  if (!next_link.empty()) text += ",\"nextLink\":\"" + next_link + "\"";
  return text + "}";
}

}  // namespace rekeyd::test
