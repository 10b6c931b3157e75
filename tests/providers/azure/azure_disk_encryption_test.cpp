#include "providers/azure/azure_disk_encryption.hpp"

#include "providers/azure/arm_answer.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

namespace rekeyd {
namespace {

using providers::VaultsByHost;
using providers::azure::disk_encryption_users;
using providers::azure::DiskEncryptionUsers;
using providers::azure::parse_arm_page;
using providers::azure::read_managed_disk;
using providers::azure::read_virtual_machine;

constexpr char const* machine_id =
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/VM-1";
constexpr char const* machine_in_ours =
    "/subscriptions/s/resourcegroups/g/providers/microsoft.compute/virtualmachines/vm-1";
constexpr char const* version = "11110000111100001111000011110000";

std::string key_url(char const* host = "Pay.vault.azure.net") {
  return fmt::format("https://{}/keys/KEK/{}", host, version);
}

std::string machine(std::string const& os_disk_more, std::string const& more = {}) {
  return fmt::format(
      R"({{"value":[{{"id":"{}",{}"properties":{{"storageProfile":{{"osDisk":{{"name":"os"{}}}}}}}}}]}})",
      machine_id, more, os_disk_more);
}

std::string settings_of_os_disk(std::string const& url) {
  return fmt::format(R"(,"encryptionSettings":{{"enabled":true,"keyEncryptionKey":{{"keyUrl":"{}"}}}})", url);
}

std::string disk(std::string const& managed_by, std::string const& settings) {
  return fmt::format(
      R"({{"value":[{{"id":"/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/disks/Data","managedBy":{},
          "properties":{{"encryptionSettingsCollection":{{"enabled":true,"encryptionSettings":[{}]}}}}}}]}})",
      managed_by, settings);
}

std::string settings_of_disk(std::string const& url) {
  return fmt::format(R"({{"keyEncryptionKey":{{"keyUrl":"{}"}}}})", url);
}

DiskEncryptionUsers users(std::string const& machines, std::string const& disks = R"({"value":[]})") {
  auto const listed = parse_arm_page(machines, "test", read_virtual_machine);
  auto const listed_disks = parse_arm_page(disks, "test", read_managed_disk);
  REQUIRE(listed);
  REQUIRE(listed_disks);
  VaultsByHost const vaults{{"pay.vault.azure.net", {ProviderName("azure"), VaultName("pay")}}};
  return disk_encryption_users(listed->items, listed_disks->items, vaults);
}

TEST_CASE("a machine is tied to the key version that its OS disk names, for good") {
  auto const found = users(machine(settings_of_os_disk(key_url())));
  REQUIRE(found.registrations.size() == 1);
  Registration const& tie = found.registrations[0];
  CHECK(tie.key.text() == "azure/pay/kek");
  CHECK(tie.resource.str() == machine_in_ours);
  CHECK(tie.kind == "azure-disk-encryption");
  CHECK(tie.version == VersionId(version));
  CHECK(tie.following == Following::never);
  CHECK(found.defects.empty());
}

TEST_CASE("a machine is tied by its extension alone, on both systems") {
  std::string const type = GENERATE("AzureDiskEncryption", "AzureDiskEncryptionForLinux");
  auto const found = users(machine(
      "", fmt::format(R"("resources":[{{"properties":{{"publisher":"Microsoft.Azure.Security","type":"{}",
                          "settings":{{"KeyEncryptionKeyURL":"{}"}}}}}}],)",
                      type, key_url())));
  CHECK(found.registrations.size() == 1);
}

TEST_CASE("an extension of somebody else ties nothing") {
  auto const found = users(machine("", fmt::format(R"("resources":[{{"properties":{{"publisher":"Contoso",
      "type":"AzureDiskEncryption","settings":{{"KeyEncryptionKeyURL":"{}"}}}}}}],)",
                                                   key_url())));
  CHECK(found.registrations.empty());
}

TEST_CASE("a disk ties the machine that holds it, and itself when none does") {
  auto const held = users(machine(""), disk(fmt::format("\"{}\"", machine_id), settings_of_disk(key_url())));
  REQUIRE(held.registrations.size() == 1);
  CHECK(held.registrations[0].resource.str() == machine_in_ours);
  CHECK(held.registrations[0].details.at("disks") == "data");
  auto const loose = users(R"({"value":[]})", disk("null", settings_of_disk(key_url())));
  REQUIRE(loose.registrations.size() == 1);
  CHECK(loose.registrations[0].resource.str().ends_with("/disks/data"));
}

TEST_CASE("what a machine and its disks say of one key is one tie, with all its versions") {
  std::string const other = "https://pay.vault.azure.net/keys/kek/22220000222200002222000022220000";
  auto const found = users(machine(settings_of_os_disk(key_url())),
                           disk(fmt::format("\"{}\"", machine_id), settings_of_disk(other)));
  REQUIRE(found.registrations.size() == 1);
  CHECK(found.registrations[0].details.at("versions") ==
        "11110000111100001111000011110000, 22220000222200002222000022220000");
}

TEST_CASE("keys of vaults that are not ours, and disks without a key of their own, tie nothing") {
  CHECK(users(machine(settings_of_os_disk(key_url("elsewhere.vault.azure.net")))).registrations.empty());
  auto const without =
      users(machine(""), disk("null", R"({"diskEncryptionKey":{"secretUrl":"https://x/y"}})"));
  CHECK(without.registrations.empty());
  CHECK(without.defects.empty());
}

TEST_CASE("a key that cannot be read is told, and hides no other") {
  auto const found = users(machine(settings_of_os_disk("nonsense")),
                           disk(fmt::format("\"{}\"", machine_id), settings_of_disk(key_url())));
  CHECK(found.registrations.size() == 1);
  REQUIRE(found.defects.size() == 1);
  CHECK(found.defects[0].where == machine_in_ours);
}

TEST_CASE("members of another type are a defect of their entry, or no key") {
  auto const odd = parse_arm_page(disk("null", "7"), "test", read_managed_disk);
  CHECK((!odd || !odd->defects.empty() || odd->items[0].encryption_keys.empty()));
  auto const listed = parse_arm_page(machine(R"(,"encryptionSettings":[])"), "test", read_virtual_machine);
  CHECK((!listed || !listed->defects.empty()));
}

}  // namespace
}  // namespace rekeyd
