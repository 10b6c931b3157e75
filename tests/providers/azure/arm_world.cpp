#include "tests/providers/azure/arm_world.hpp"

#include <fmt/format.h>

#include <utility>

namespace rekeyd::test {

std::string const subscription = "/subscriptions/99999999-aaaa-4bbb-8ccc-000000000001";
std::string const sets_path = subscription + "/providers/Microsoft.Compute/diskEncryptionSets";
std::string const machines_path = subscription + "/providers/Microsoft.Compute/virtualMachines";
std::string const disks_path = subscription + "/providers/Microsoft.Compute/disks";
std::string const accounts_path = subscription + "/providers/Microsoft.Storage/storageAccounts";
std::string const servers_path = subscription + "/providers/Microsoft.Sql/servers";
std::string const locks_path = subscription + "/providers/Microsoft.Authorization/locks";
std::string const set_path =
    subscription + "/resourcegroups/apps/providers/microsoft.compute/diskencryptionsets/des1";
std::string const permissions_path =
    subscription + "/resourcegroups/apps/providers/Microsoft.Authorization/permissions";

std::string machine_path(std::string const& name) {
  return subscription + "/resourcegroups/apps/providers/microsoft.compute/virtualmachines/" + name;
}

KeyRef arm_key() { return *KeyRef::parse("azure-prod/pay/cmk"); }

std::string set_text(std::string const& version, std::string const& more) {
  return fmt::format(
      R"({{"id":"{}","identity":{{"type":"SystemAssigned"}},"properties":{{"encryptionType":"EncryptionAtRestWithCustomerKey",
      "activeKey":{{"keyUrl":"https://pay.vault.azure.net/keys/cmk/{}"}}{}}}}})",
      set_path, version, more);
}

ArmWorld::ArmWorld(providers::azure::ArmApiVersions versions) {
  providers::ResourceManagerOptions options;
  options.api_versions = std::move(versions);
  options.endpoint.host = "management.azure.com";
  options.audience = "https://management.azure.com";
  options.scopes = {{"99999999-AAAA-4bbb-8ccc-000000000001", {}}};
  options.vaults["pay.vault.azure.net"] = {ProviderName("azure-prod"), VaultName("pay")};
  on("GET " + accounts_path, R"({"value":[]})");
  on("GET " + servers_path, R"({"value":[]})");
  manager = make_resource_manager(*client, credentials, loop.clock, random, std::move(options));
}

void ArmWorld::list(std::string const& sets) {
  on("GET " + sets_path, R"({"value":[)" + sets + "]}");
  on("GET " + machines_path, R"({"value":[]})");
  on("GET " + disks_path, R"({"value":[]})");
  on("GET " + set_path + "/associatedResources", R"({"value":[]})");
}

}  // namespace rekeyd::test
