#include "providers/azure/disk_encryption_set.hpp"

#include "providers/azure/arm_answer.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace rekeyd;
using namespace rekeyd::providers::azure;

namespace {

std::string const where = "GET https://management.azure.com/x";

std::string set_text(std::string const& properties,
                     std::string const& identity = R"({"type":"SystemAssigned"})") {
  return R"({"id":"/subscriptions/S/resourceGroups/G/providers/Microsoft.Compute/diskEncryptionSets/Des1","identity":)" +
         identity +
         R"(,"properties":{"activeKey":{"keyUrl":"https://V1.vault.azure.net/keys/CMK/0A1B","sourceVault":{"id":"/subscriptions/S/vaults/V1"}})" +
         properties + "}}";
}

DiskEncryptionSet parsed(std::string const& text) {
  auto const set = parse_arm_item(text, where, read_disk_encryption_set);
  if (!set) FAIL(to_text(set.error()));
  return *set;
}

std::string condition_of(std::string const& text) {
  auto const condition = parsed(text).condition();
  return condition ? condition->word : "";
}

KeyRef const key = *KeyRef::parse("azure-prod/v1/cmk");

}  // namespace

TEST_CASE("a disk encryption set is read with its key, in lower case") {
  auto const set =
      parsed(set_text(R"(,"encryptionType":"EncryptionAtRestWithCustomerKey","provisioningState":"Succeeded",
    "lastKeyRotationTimestamp":"2026-01-02T03:04:05.1234567+00:00")"));
  CHECK(set.id.name == "des1");
  CHECK(set.key.host == "v1.vault.azure.net");
  CHECK(set.key.name == "cmk");
  CHECK(set.key.version == "0a1b");
  CHECK(set.source_vault == "/subscriptions/S/vaults/V1");
  CHECK_FALSE(set.condition());
  REQUIRE(set.last_rotation);
  auto const tie = set.registration(key);
  CHECK(tie.following == Following::when_told);
  CHECK(tie.version == VersionId("0a1b"));
  CHECK(tie.resource.str() ==
        "/subscriptions/s/resourcegroups/g/providers/microsoft.compute/diskencryptionsets/des1");
}

TEST_CASE("how a set follows its key is read off its type and its flag") {
  CHECK(parsed(set_text(R"(,"rotationToLatestKeyVersionEnabled":true)")).registration(key).following ==
        Following::by_itself);
  CHECK(parsed(set_text(R"(,"encryptionType":"confidentialVmEncryptedWithCustomerKEY")"))
            .registration(key)
            .following == Following::when_told_at_rest);
}

TEST_CASE("what keeps a set from its key has one word, the gravest first") {
  CHECK(condition_of(set_text("", R"({"type":"None"})")) == "no_identity");
  CHECK(condition_of(set_text("", "null")) == "no_identity");
  CHECK(condition_of(set_text(
            R"(,"provisioningState":"Updating","previousKeys":[{"keyUrl":"https://v/keys/a/b"}])")) ==
        "changing");
  CHECK(condition_of(set_text(
            R"(,"provisioningState":"Succeeded","previousKeys":[{"keyUrl":"https://v/keys/a/b"}])")) ==
        "partly_moved");
  CHECK(condition_of(set_text(R"(,"provisioningState":"Failed")")) == "failed");
  CHECK(condition_of(set_text(R"(,"autoKeyRotationError":{"code":"X","message":"y"})")) ==
        "following_stopped");
  CHECK(condition_of(set_text(R"(,"provisioningState":"SUCCEEDED","previousKeys":[])")).empty());
  CHECK(condition_of(
            R"({"id":"/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/diskEncryptionSets/d",
    "identity":{"type":"SystemAssigned"},"properties":{"activeKey":{"keyUrl":"https://v1.vault.azure.net/keys/cmk"}}})") ==
        "no_key_version");
}

TEST_CASE("a set that is not one is malformed and says where") {
  auto const text =
      GENERATE("", "[]", "{}", "<html>", R"({"id":"x","properties":{}})",
               R"({"id":"/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/disks/d","properties":
      {"activeKey":{"keyUrl":"https://v/keys/a/b"}}})",
               R"({"id":"/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/diskEncryptionSets/d",
      "properties":{"activeKey":{"keyUrl":17}}})",
               R"({"id":"/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/diskEncryptionSets/d",
      "properties":{"activeKey":{"keyUrl":"http://v/keys/a/b"}}})");
  INFO(text);
  auto const set = parse_arm_item(text, where, read_disk_encryption_set);
  REQUIRE_FALSE(set);
  CHECK(set.error().error_class == ErrorClass::malformed);
  CHECK(set.error().where == where);
}

TEST_CASE("one broken entry of a list spoils no other") {
  auto const page =
      parse_arm_page(fmt::format(R"({{"value":[{},{{"id":1}},{}]}})", set_text(""), set_text("")), where,
                     read_disk_encryption_set);
  REQUIRE(page);
  CHECK(page->items.size() == 2);
  REQUIRE(page->defects.size() == 1);
  CHECK(page->defects[0].error_class == ErrorClass::malformed);
}

TEST_CASE("associated resources that are no ids are left out") {
  auto const resources = parse_associated_resources(
      R"({"value":["/subscriptions/S/resourceGroups/G/providers/Microsoft.Compute/disks/D","nonsense"]})",
      where);
  REQUIRE(resources);
  REQUIRE(resources->size() == 1);
  CHECK(resources->front().str() == "/subscriptions/s/resourcegroups/g/providers/microsoft.compute/disks/d");
  CHECK_FALSE(parse_associated_resources(R"({"value":[1]})", where));
}

TEST_CASE("a change of key keeps the source vault as it was read, there or not") {
  auto const url = "https://v1.vault.azure.net/keys/cmk/new";
  auto set = parsed(set_text(""));
  CHECK(
      std::string_view(write_active_key(set, url)) ==
      R"({"properties":{"activeKey":{"keyUrl":"https://v1.vault.azure.net/keys/cmk/new","sourceVault":{"id":"/subscriptions/S/vaults/V1"}}}})");
  set.source_vault.clear();
  CHECK(std::string_view(write_active_key(set, url)) ==
        R"({"properties":{"activeKey":{"keyUrl":"https://v1.vault.azure.net/keys/cmk/new"}}})");
}
