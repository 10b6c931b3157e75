#include "providers/azure/storage_account.hpp"

#include "providers/azure/arm_answer.hpp"
#include "tests/providers/azure/arm_world.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <optional>

using namespace rekeyd;
using namespace rekeyd::providers;
using namespace rekeyd::test;
using azure::parse_arm_item;
using azure::read_storage_account;

namespace {

std::string const where = "GET https://management.azure.com/x";
std::string const account_path =
    subscription + "/resourcegroups/apps/providers/microsoft.storage/storageaccounts/ledger1";
std::string const pins_v1 =
    R"("keyname":"CMK","keyversion":"V1","keyvaulturi":"https://PAY.vault.azure.net/")";
std::string const follows_on_v1 =
    R"("keyname":"cmk","keyvaulturi":"https://pay.vault.azure.net",
       "currentVersionedKeyIdentifier":"https://pay.vault.azure.net/keys/cmk/v1",
       "lastKeyRotationTimestamp":"2026-01-02T03:04:05.1234567Z")";

std::string account_text(std::string const& key, std::string const& more = "",
                         std::string const& identity = R"({"type":"SystemAssigned"})") {
  return fmt::format(
      R"({{"id":"{}","kind":"StorageV2","identity":{},"properties":{{"encryption":{{"keySource":"Microsoft.Keyvault",
      "services":{{"blob":{{"enabled":true}}}},"keyvaultproperties":{{{}}}{}}}}}}})",
      account_path, identity, key, more);
}

azure::StorageAccount parsed(std::string const& text) {
  auto const account = parse_arm_item(text, where, read_storage_account);
  if (!account) FAIL(to_text(account.error()));
  return *account;
}

std::string write(std::string const& text) {
  Body const body = write_account_key(parsed(text), {"pay.vault.azure.net", "cmk", "v2"});
  return std::string(std::string_view(body));
}

}  // namespace

TEST_CASE("a storage account that names a version stays on it until it is told another") {
  auto const account = parsed(account_text(pins_v1));
  CHECK(account.key.host == "pay.vault.azure.net");
  CHECK(account.key.name == "cmk");
  auto const tie = account.registration(arm_key());
  CHECK(tie.resource.str() == account_path);
  CHECK(tie.kind == "storage-account");
  CHECK(tie.version == VersionId("v1"));
  CHECK(tie.following == Following::when_told);
  CHECK(tie.prevents_deletion);
  CHECK_FALSE(tie.condition);
}

TEST_CASE("a storage account that names no version follows, and shows the one in use") {
  auto const tie = parsed(account_text(follows_on_v1)).registration(arm_key());
  CHECK(tie.following == Following::by_itself);
  CHECK(tie.version == VersionId("v1"));
  CHECK(tie.updated.has_value());
  auto const empty = parsed(account_text(follows_on_v1 + R"(,"keyversion":"")"));
  CHECK(empty.registration(arm_key()).following == Following::by_itself);
}

TEST_CASE("of a storage account that does not tell which version it uses nothing is assumed") {
  auto const tie = parsed(account_text(R"("keyname":"cmk","keyvaulturi":"https://pay.vault.azure.net")"))
                       .registration(arm_key());
  CHECK_FALSE(tie.version);
  CHECK(tie.following == Following::unknown);
  auto const foreign = parsed(account_text(R"("keyname":"cmk","keyvaulturi":"https://pay.vault.azure.net",
       "currentVersionedKeyIdentifier":"https://pay.vault.azure.net/keys/other/v1")"));
  CHECK_FALSE(foreign.registration(arm_key()).version);
}

TEST_CASE("a storage account under Microsoft's own key uses none of ours") {
  auto const text = GENERATE(as<std::string>(), R"({"keySource":"Microsoft.Storage"})",
                             R"({"keySource":"microsoft.storage","keyvaultproperties":null})", "{}");
  auto const account =
      parsed(fmt::format(R"({{"id":"{}","properties":{{"encryption":{}}}}})", account_path, text));
  CHECK(account.key.host.empty());
}

TEST_CASE("a storage account without an identity cannot use its key") {
  auto const identity = GENERATE(as<std::string>(), R"({"type":"None"})", "null");
  auto const condition = parsed(account_text(pins_v1, "", identity)).condition();
  REQUIRE(condition);
  CHECK(condition->word == "no_identity");
  CHECK_FALSE(condition->remedy.empty());
}

TEST_CASE("a storage account whose key cannot be read is an error that names the member") {
  auto const [key, member] = GENERATE(table<std::string, std::string>({
      {R"("keyname":"a/b","keyvaulturi":"https://pay.vault.azure.net")", "keyvaulturi"},
      {R"("keyname":"cmk","keyvaulturi":"pay")", "keyvaulturi"},
      {R"("keyname":"cmk","keyversion":"v1/../x","keyvaulturi":"https://pay.vault.azure.net")",
       "keyvaulturi"},
      {R"("keyname":7,"keyvaulturi":"https://pay.vault.azure.net")", "keyname"},
      {R"("keyvaulturi":"https://pay.vault.azure.net")", "keyname"},
  }));
  auto const account = parse_arm_item(account_text(key), where, read_storage_account);
  REQUIRE_FALSE(account);
  CHECK_THAT(account.error().what, Catch::Contains(member));
}

TEST_CASE("in a list of storage accounts the ones that cannot be read spoil no other") {
  auto const page =
      azure::parse_arm_page(fmt::format(R"({{"value":[{},{{"name":"no id"}},7]}})", account_text(pins_v1)),
                            where, read_storage_account);
  REQUIRE(page);
  CHECK(page->items.size() == 1);
  CHECK(page->defects.size() == 2);
}

TEST_CASE("an account is told the version where it names one, and just the key where it follows") {
  CHECK(write(account_text(pins_v1)) ==
        R"({"properties":{"encryption":{"keySource":"Microsoft.Keyvault","keyvaultproperties":)"
        R"({"keyname":"cmk","keyvaulturi":"https://pay.vault.azure.net","keyversion":"v2"}}}})");
  CHECK_THAT(write(account_text(follows_on_v1)), Catch::Contains(R"("keyversion":"")"));
  CHECK_THAT(write(account_text(pins_v1, R"(,"identity":{"userAssignedIdentity":"/subscriptions/s/me"})")),
             Catch::Contains(R"("identity":{"userAssignedIdentity":"/subscriptions/s/me"})"));
}

TEST_CASE("a survey finds storage accounts under keys of ours, with their own API version") {
  ArmWorld world;
  world.list(set_text("v1"));
  world.clear("GET " + accounts_path);
  std::string foreign = account_text(pins_v1);
  foreign.replace(foreign.find("PAY.vault"), 9, "tom.vault");
  world.on("GET " + accounts_path, fmt::format(R"({{"value":[{},{}]}})", account_text(pins_v1), foreign));
  auto const survey = world.run(world.manager->survey(world.deadline()));
  REQUIRE(survey);
  REQUIRE(survey->resources.size() == 2);
  CHECK(survey->resources[1].key == arm_key());
  CHECK(survey->resources[1].kind == "storage-account");
  CHECK(survey->defects.empty());
  CHECK(world.sent("GET " + accounts_path).at(0).target.find("api-version=2019-06-01") != std::string::npos);
  CHECK(world.manager->looks_after(survey->resources[1].resource));
  CHECK(world.manager->following_lag(survey->resources[1]) == std::chrono::hours(25));
  CHECK(world.manager->following_lag(survey->resources[0]) == std::chrono::minutes(75));
}

TEST_CASE("storage accounts that may not be listed are told, and hold up no disk encryption set") {
  ArmWorld world;
  world.list(set_text("v1"));
  world.clear("GET " + accounts_path);
  SECTION("forbidden") {
    world.on("GET " + accounts_path,
             answer(403, R"({"error":{"code":"AuthorizationFailed","message":"no"}})"));
    auto const survey = world.run(world.manager->survey(world.deadline()));
    REQUIRE(survey);
    CHECK(survey->resources.size() == 1);
    REQUIRE(survey->defects.size() == 1);  // Nobody may take it for "no account".
    CHECK(survey->defects[0].error_class == ErrorClass::access);
  }
  SECTION("a subscription that has none because it is not registered for them") {
    world.on("GET " + accounts_path,
             answer(409, R"({"error":{"code":"MissingSubscriptionRegistration","message":"no"}})"));
    auto const survey = world.run(world.manager->survey(world.deadline()));
    REQUIRE(survey);
    CHECK(survey->defects.empty());
  }
  SECTION("out of reach") {
    world.on("GET " + accounts_path, answer(503, ""));
    CHECK_FALSE(world.run(world.manager->survey(world.deadline())));
  }
}

TEST_CASE("a storage account is moved by one PATCH, and is over with its answer") {
  ArmWorld world;
  world.on("GET " + account_path, account_text(pins_v1));
  world.on("PATCH " + account_path, account_text(pins_v1));
  auto const ticket =
      world.run(world.manager->move(ResourceId(account_path), arm_key(), VersionId("v2"), world.deadline()));
  REQUIRE(ticket);
  CHECK(ticket->operation.empty());
  auto const sent = world.sent("PATCH " + account_path);
  REQUIRE(sent.size() == 1);
  CHECK_THAT(std::string(std::string_view(sent[0].body)), Catch::Contains(R"("keyversion":"v2")"));
  CHECK(sent[0].target.find("api-version=2019-06-01") != std::string::npos);
}
