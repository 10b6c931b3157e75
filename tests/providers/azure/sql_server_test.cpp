#include "providers/azure/sql_server.hpp"

#include "providers/azure/arm_answer.hpp"
#include "tests/providers/azure/arm_world.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace rekeyd;
using namespace rekeyd::providers;
using namespace rekeyd::test;
using azure::parse_arm_item;
using azure::read_encryption_protector;
using azure::read_sql_server_key;

namespace {

std::string const where = "GET https://management.azure.com/x";
std::string const server_path = subscription + "/resourcegroups/apps/providers/microsoft.sql/servers/ledger";
std::string const protector_path = server_path + "/encryptionprotector/current";
std::string const keys_path = server_path + "/keys";

/// `version`: of key "cmk" in vault "pay".
std::string protector_text(std::string const& version, std::string const& more = "") {
  return fmt::format(
      R"({{"kind":"azurekeyvault","id":"{0}/encryptionProtector/current","name":"current","properties":{{
      "serverKeyType":"AzureKeyVault","serverKeyName":"PAY_CMK_{1}","uri":"https://PAY.vault.azure.net/keys/CMK/{1}"{2}}}}})",
      server_path, version, more);
}

std::string key_text(std::string const& version, std::string const& vault = "pay") {
  return fmt::format(
      R"({{"id":"{0}/keys/{2}_cmk_{1}","properties":{{"serverKeyType":"AzureKeyVault",
      "uri":"https://{2}.vault.azure.net/keys/cmk/{1}","creationDate":"2026-01-02T03:04:05.123Z"}}}})",
      server_path, version, vault);
}

std::string const managed_key_text = fmt::format(
    R"({{"id":"{}/keys/ServiceManaged","properties":{{"serverKeyType":"ServiceManaged"}}}})", server_path);

std::string listed(std::string const& entries) { return R"({"value":[)" + entries + "]}"; }

/// One server with that protector and these keys.
struct SqlWorld : ArmWorld {
  SqlWorld(std::string const& protector, std::string const& keys) {
    list(set_text("v1"));
    clear("GET " + servers_path);
    on("GET " + servers_path, listed(fmt::format(R"({{"id":"{}"}})", server_path)));
    on("GET " + protector_path, protector);
    on("GET " + keys_path, listed(keys));
  }
  /// Of the server alone.
  std::vector<Registration> surveyed() {
    auto const survey = run(manager->survey(deadline()));
    if (!survey) FAIL(to_text(survey.error()));
    CHECK(survey->defects.empty());
    std::vector<Registration> ties = survey->resources;
    std::erase_if(ties, [](Registration const& each) { return each.kind == "disk-encryption-set"; });
    return ties;
  }
};

}  // namespace

TEST_CASE("a SQL server stays on its key's version until it is told, or follows by itself") {
  auto const protector = parse_arm_item(protector_text("v1"), where, read_encryption_protector);
  REQUIRE(protector);
  CHECK(protector->key == azure::KeyIdentifier{"pay.vault.azure.net", "cmk", "v1"});
  auto const tie = protector->registration(arm_key());
  CHECK(tie.resource.str() == server_path);
  CHECK(tie.kind == "sql-server");
  CHECK(tie.version == VersionId("v1"));
  CHECK(tie.following == Following::when_told);
  CHECK(tie.prevents_deletion);
  auto const follows = parse_arm_item(protector_text("v1", R"(,"autoRotationEnabled":true)"), where,
                                      read_encryption_protector);
  REQUIRE(follows);
  CHECK(follows->registration(arm_key()).following == Following::by_itself);
}

TEST_CASE("a SQL server under Microsoft's own key uses none of ours") {
  auto const protector = parse_arm_item(
      fmt::format(
          R"({{"id":"{}","properties":{{"serverKeyType":"ServiceManaged","serverKeyName":"ServiceManaged"}}}})",
          protector_path),
      where, read_encryption_protector);
  REQUIRE(protector);
  CHECK(protector->key.host.empty());
}

TEST_CASE("a protector whose key cannot be read is an error that names the member") {
  auto const [text, member] = GENERATE(table<std::string, std::string>({
      {R"({"id":"ID","properties":{"serverKeyType":"AzureKeyVault"}})", "uri"},
      {R"({"id":"ID","properties":{"serverKeyType":"AzureKeyVault","uri":"https://pay.vault.azure.net/keys/cmk"}})",
       "uri"},
      {R"({"id":"ID","properties":{"serverKeyType":"AzureKeyVault","uri":7}})", "uri"},
      {R"({"id":"ID","properties":{}})", "serverKeyType"},
      {R"({"id":"ID"})", "properties"},
      {R"({"id":"/subscriptions/s","properties":{"serverKeyType":"ServiceManaged"}})", "id"},
      {R"({"id":"IDx","properties":{"serverKeyType":"ServiceManaged"}})", "id"},
  }));
  std::string whole = text;
  if (auto const at = whole.find("ID"); at != std::string::npos) whole.replace(at, 2, protector_path);
  auto const protector = parse_arm_item(whole, where, read_encryption_protector);
  REQUIRE_FALSE(protector);
  CHECK_THAT(protector.error().what, Catch::Contains(member));
}

TEST_CASE("what a SQL server is sent names the version as the server's list wants it") {
  azure::KeyIdentifier const v2{"pay.vault.azure.net", "cmk", "v2"};
  CHECK(sql_server_key_name(v2) == "pay_cmk_v2");
  CHECK(
      std::string_view(write_sql_server_key(v2)) ==
      R"({"properties":{"serverKeyType":"AzureKeyVault","uri":"https://pay.vault.azure.net/keys/cmk/v2"}})");
  auto const follows = GENERATE(true, false);
  azure::EncryptionProtector const protector{.server = server_path, .auto_rotation = follows};
  CHECK(std::string_view(write_encryption_protector(protector, v2)) ==
        fmt::format(R"({{"properties":{{"serverKeyType":"AzureKeyVault","serverKeyName":"pay_cmk_v2",)"
                    R"("autoRotationEnabled":{}}}}})",
                    follows));
}

TEST_CASE("a survey finds SQL servers, and the versions that they keep for their backups") {
  SqlWorld world(protector_text("v2"), key_text("v2") + "," + key_text("v1") + "," + managed_key_text + "," +
                                           key_text("v9", "tom"));
  auto const ties = world.surveyed();
  REQUIRE(ties.size() == 2);
  CHECK(ties[0].kind == "sql-server");
  CHECK(ties[0].version == VersionId("v2"));
  CHECK(ties[1].kind == "sql-server-key");
  CHECK(ties[1].resource.str() == keys_path + "/pay_cmk_v1");
  CHECK(ties[1].version == VersionId("v1"));
  CHECK(ties[1].following == Following::past);
  CHECK(ties[1].updated.has_value());
  for (Registration const& tie : ties) {
    CHECK(tie.key == arm_key());
    CHECK(world.manager->looks_after(tie.resource));
  }
  CHECK(world.manager->following_lag(ties[0]) == std::chrono::hours(25));
  CHECK(world.sent("GET " + servers_path).at(0).target.find("api-version=2021-11-01") != std::string::npos);
}

TEST_CASE("a server that has gone back to Microsoft's own key keeps the versions of before") {
  SqlWorld world(
      fmt::format(R"({{"id":"{}","properties":{{"serverKeyType":"ServiceManaged"}}}})", protector_path),
      key_text("v1") + "," + managed_key_text);
  auto const ties = world.surveyed();
  REQUIRE(ties.size() == 1);
  CHECK(ties[0].following == Following::past);
}

TEST_CASE("a SQL server that is deleted while it is looked at is none") {
  SqlWorld world(protector_text("v1"), "");
  auto const gone = answer(404, R"({"error":{"code":"ResourceNotFound","message":"no"}})");
  auto const place = GENERATE(0, 1);
  std::string const path = "GET " + (place == 0 ? protector_path : keys_path);
  world.clear(path);
  world.on(path, gone);
  CHECK(world.surveyed().empty());
}

TEST_CASE("a SQL server that cannot be read is told, and spoils no other") {
  SqlWorld world(R"({"id":7})", "");
  auto const survey = world.run(world.manager->survey(world.deadline()));
  REQUIRE(survey);
  CHECK(survey->resources.size() == 1);  // The disk encryption set.
  CHECK(survey->defects.size() == 1);
}

TEST_CASE("SQL servers that may not be listed are told, and none are there where they are not registered") {
  SqlWorld world(protector_text("v1"), "");
  world.clear("GET " + servers_path);
  auto const [status, code, defects] = GENERATE(table<unsigned, std::string, std::size_t>(
      {{403, "AuthorizationFailed", 1}, {409, "MissingSubscriptionRegistration", 0}}));
  world.on("GET " + servers_path,
           answer(status, fmt::format(R"({{"error":{{"code":"{}","message":"no"}}}})", code)));
  auto const survey = world.run(world.manager->survey(world.deadline()));
  REQUIRE(survey);
  CHECK(survey->defects.size() == defects);
}

TEST_CASE("a SQL server is given a version first, and told to use it then") {
  SqlWorld world(protector_text("v1"), "");
  ResourceId const server{server_path};
  VersionId const v2{"v2"};
  std::string const new_key = keys_path + "/pay_cmk_v2";
  world.on("GET " + new_key, answer(404, R"({"error":{"code":"ResourceNotFound","message":"no"}})"));
  world.on(
      "PUT " + new_key,
      answer(202, "{}", {{"Azure-AsyncOperation", "https://management.azure.com/subscriptions/s/op/1"}}));
  world.on(
      "PUT " + protector_path,
      answer(202, "{}", {{"Azure-AsyncOperation", "https://management.azure.com/subscriptions/s/op/2"}}));
  auto const before = world.run(world.manager->is_prepared(server, arm_key(), v2, world.deadline()));
  REQUIRE(before);
  CHECK_FALSE(*before);
  auto const given = world.run(world.manager->prepare(server, arm_key(), v2, world.deadline()));
  REQUIRE(given);
  CHECK_THAT(given->operation, Catch::EndsWith("/op/1"));
  CHECK(world.sent("PUT " + protector_path).empty());
  world.clear("GET " + new_key);
  world.on("GET " + new_key, key_text("v2"));
  auto const after = world.run(world.manager->is_prepared(server, arm_key(), v2, world.deadline()));
  REQUIRE(after);
  CHECK(*after);
  auto const told = world.run(world.manager->move(server, arm_key(), v2, world.deadline()));
  REQUIRE(told);
  CHECK_THAT(told->operation, Catch::EndsWith("/op/2"));
  CHECK(world.sent("PUT " + new_key).size() == 1);
}

TEST_CASE("only SQL servers need something before they can be told, and what is in the past cannot be told") {
  ArmWorld world;
  auto const prepared = world.run(
      world.manager->is_prepared(ResourceId(set_path), arm_key(), VersionId("v2"), world.deadline()));
  REQUIRE(prepared);
  CHECK(*prepared);
  world.on("GET " + keys_path + "/pay_cmk_v1", key_text("v1"));
  auto const told = world.run(world.manager->move(ResourceId(keys_path + "/pay_cmk_v1"), arm_key(),
                                                  VersionId("v2"), world.deadline()));
  REQUIRE_FALSE(told);
  CHECK(told.error().error_class == ErrorClass::not_found);
}
