#include "providers/json_answer.hpp"
#include "tests/providers/azure/arm_world.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace rekeyd;
using namespace rekeyd::providers;
using namespace rekeyd::test;

namespace {

KeyRef const key = arm_key();

HttpResponse accepted(Headers headers) { return answer(202, "{}", std::move(headers)); }

}  // namespace

TEST_CASE("a survey asks for the audience of Resource Manager and each type's own API version") {
  ArmWorld world;
  world.list(set_text("v1"));
  auto const survey = world.run(world.manager->survey(world.deadline()));
  REQUIRE(survey);
  REQUIRE(survey->resources.size() == 1);
  CHECK(survey->resources[0].key == key);
  CHECK(world.credentials.audiences.front() == "https://management.azure.com");
  CHECK(world.sent("GET " + sets_path).at(0).target.find("api-version=2023-10-02") != std::string::npos);
  CHECK(world.sent("GET " + machines_path).at(0).target.find("api-version=2024-03-01") != std::string::npos);
}

TEST_CASE("another API version is asked of just the type for which it is set") {
  azure::ArmApiVersions newer;
  newer["microsoft.compute/diskencryptionsets"] = "2026-03-02";
  ArmWorld world(newer);
  world.list(set_text("v1"));
  REQUIRE(world.run(world.manager->survey(world.deadline())));
  CHECK(world.sent("GET " + sets_path).at(0).target.find("api-version=2026-03-02") != std::string::npos);
  auto const associated = world.sent("GET " + set_path + "/associatedResources");
  CHECK(associated.at(0).target.find("api-version=2026-03-02") != std::string::npos);
  CHECK(world.sent("GET " + machines_path).at(0).target.find("api-version=2024-03-01") != std::string::npos);
}

TEST_CASE("a body that changed its type says which member, what came, and which API version was asked") {
  ArmWorld world;
  auto const changed =
      GENERATE(R"("activeKey":"https://pay.vault.azure.net/keys/cmk/v1")",
               R"("activeKey":[{"keyUrl":"https://pay.vault.azure.net/keys/cmk/v1"}])",
               R"("activeKey":{"keyUrl":{"uri":"https://pay.vault.azure.net/keys/cmk/v1"}})");
  world.on("GET " + set_path,
           fmt::format(R"({{"id":"{}","identity":{{"type":"SystemAssigned"}},"properties":{{{}}}}})",
                       set_path, changed));
  auto const seen = world.run(world.manager->describe(ResourceId(set_path), world.deadline()));
  REQUIRE_FALSE(seen);
  CAPTURE(to_text(seen.error()));
  CHECK(seen.error().code == changed_type_code);
  CHECK(seen.error().error_class == ErrorClass::malformed);
  CHECK_THAT(seen.error().what, Catch::Contains("activeKey") && Catch::Contains(" came"));
  CHECK_THAT(seen.error().where, Catch::Contains(set_path) && Catch::EndsWith("(api-version 2023-10-02)"));
}

TEST_CASE("a set that uses a key of a vault that nobody configured is not ours") {
  ArmWorld world;
  std::string foreign = set_text("v1");
  foreign.replace(foreign.find("pay.vault"), 9, "tom.vault");
  world.list(foreign);
  auto const survey = world.run(world.manager->survey(world.deadline()));
  REQUIRE(survey);
  CHECK(survey->resources.empty());
}

TEST_CASE("machines are tied by ordinary and by confidential disks, and what is associated beside them") {
  ArmWorld world;
  world.on("GET " + sets_path, R"({"value":[)" + set_text("v1") + "]}");
  std::string const machine =
      subscription + "/resourceGroups/OTHER/providers/Microsoft.Compute/virtualMachines/";
  world.on("GET " + machines_path, fmt::format(R"({{"value":[
      {{"id":"{0}a","properties":{{"storageProfile":{{"osDisk":{{"managedDisk":{{"securityProfile":{{"diskEncryptionSet":{{"id":"{1}"}}}}}}}}}}}}}},
      {{"id":"{0}b","properties":{{"storageProfile":{{"dataDisks":[{{"managedDisk":{{"diskEncryptionSet":{{"id":"{1}"}}}}}}]}}}}}},
      {{"id":"{0}c","properties":{{"storageProfile":{{}}}}}},
      {{"name":"no id"}}]}})",
                                               machine, set_path));
  world.on("GET " + disks_path, R"({"value":[]})");
  world.on("GET " + set_path + "/associatedResources",
           fmt::format(R"({{"value":["{}/resourceGroups/apps/providers/Microsoft.Compute/disks/d"]}})",
                       subscription));
  auto const survey = world.run(world.manager->survey(world.deadline()));
  REQUIRE(survey);
  REQUIRE(survey->resources.size() == 1);
  CHECK(survey->resources[0].tied.size() == 3);
  CHECK(survey->defects.size() == 1);
}

TEST_CASE("what may not be listed is said of the set, and what cannot be reached fails the survey") {
  ArmWorld world;
  world.on("GET " + sets_path, R"({"value":[)" + set_text("v1") + "]}");
  world.on("GET " + set_path + "/associatedResources", R"({"value":[]})");
  world.on("GET " + disks_path, R"({"value":[]})");
  SECTION("forbidden") {
    world.on("GET " + machines_path,
             answer(403, R"({"error":{"code":"AuthorizationFailed","message":"no"}})"));
    auto const survey = world.run(world.manager->survey(world.deadline()));
    REQUIRE(survey);
    REQUIRE(survey->resources[0].condition);
    CHECK(survey->resources[0].condition->word == "dependants_hidden");
    REQUIRE(survey->defects.size() == 1);  // Nobody may take it for "no machine".
    CHECK(survey->defects[0].error_class == ErrorClass::access);
  }
  SECTION("disks that may not be listed") {
    world.on("GET " + machines_path, R"({"value":[]})");
    world.clear("GET " + disks_path);
    world.on("GET " + disks_path, answer(403, R"({"error":{"code":"AuthorizationFailed","message":"no"}})"));
    auto const survey = world.run(world.manager->survey(world.deadline()));
    REQUIRE(survey);
    CHECK(survey->defects.size() == 1);
  }
  SECTION("out of reach") {
    world.on("GET " + machines_path, answer(503, ""));
    CHECK_FALSE(world.run(world.manager->survey(world.deadline())));
  }
}

TEST_CASE("lists are followed page by page, on the same host, and not for ever") {
  ArmWorld world;
  world.list("");
  world.clear("GET " + sets_path);
  auto const page = [](std::string const& next) {
    return fmt::format(R"({{"value":[{}],"nextLink":"{}"}})", set_text("v1"), next);
  };
  SECTION("to the end") {
    world.on("GET " + sets_path,
             page("https://management.azure.com" + sets_path + "?api-version=2023-10-02&$skiptoken=a%3D"));
    world.on("GET " + sets_path, page(""));
    auto const survey = world.run(world.manager->survey(world.deadline()));
    REQUIRE(survey);
    CHECK(survey->resources.size() == 2);
    CHECK(world.sent("GET " + sets_path).at(1).target ==
          sets_path + "?api-version=2023-10-02&$skiptoken=a%3D");
  }
  SECTION("to another host") {
    world.on("GET " + sets_path, page("https://evil.example" + sets_path));
    auto const survey = world.run(world.manager->survey(world.deadline()));
    REQUIRE_FALSE(survey);
    CHECK(survey.error().error_class == ErrorClass::malformed);
  }
  SECTION("to itself") {
    world.on("GET " + sets_path,
             page("https://management.azure.com" + sets_path + "?api-version=2023-10-02&$skiptoken=a"));
    CHECK_FALSE(world.run(world.manager->survey(world.deadline())));
  }
}

TEST_CASE("a change is a PATCH of the active key, followed by its status document") {
  ArmWorld world;
  world.on("GET " + set_path, set_text("v1"));
  std::string const operation = subscription + "/providers/Microsoft.Compute/locations/w/DiskOperations/1";
  world.on("PATCH " + set_path,
           accepted({{"Azure-AsyncOperation", "https://management.azure.com" + operation + "?p=1&t=x"},
                     {"Location", "https://management.azure.com/elsewhere"},
                     {"Retry-After", "7"},
                     {"x-ms-request-id", "r-1"},
                     {"x-ms-correlation-request-id", "c-1"}}));
  auto const ticket =
      world.run(world.manager->move(ResourceId(set_path), key, VersionId("v2"), world.deadline()));
  REQUIRE(ticket);
  CHECK(ticket->ask_after == std::chrono::seconds(7));
  CHECK(ticket->evidence.request_id == "r-1 (correlation c-1)");
  auto const sent = world.sent("PATCH " + set_path);
  REQUIRE(sent.size() == 1);
  CHECK(std::string_view(sent[0].body) ==
        R"({"properties":{"activeKey":{"keyUrl":"https://pay.vault.azure.net/keys/cmk/v2"}}})");

  world.on("GET " + operation, R"({"status":"InProgress"})");
  world.on("GET " + operation, R"({"status":"SomethingNew"})");
  world.on("GET " + operation, R"({"status":"Succeeded"})");
  auto const progress = [&] {
    return world.run(world.manager->progress(ticket->operation, world.deadline())).value();
  };
  CHECK(progress().state == ChangeProgress::State::under_way);
  CHECK(progress().state == ChangeProgress::State::under_way);
  CHECK(progress().state == ChangeProgress::State::done);
  CHECK(world.sent("GET " + operation).at(0).target == operation + "?p=1&t=x");
}

TEST_CASE("an operation that failed is an HTTP 200 with its error in the body") {
  ArmWorld world;
  std::string const operation = subscription + "/operations/1";
  world.on("GET " + operation,
           R"({"status":"Failed","error":{"code":"OperationNotAllowed","message":"a machine is running"}})");
  auto const progress =
      world.run(world.manager->progress("status https://management.azure.com" + operation, world.deadline()));
  REQUIRE(progress);
  CHECK(progress->state == ChangeProgress::State::failed);
  REQUIRE(progress->error);
  CHECK(progress->error->code == "OperationNotAllowed");
  CHECK(progress->error->error_class == ErrorClass::conflict);
}

TEST_CASE("an operation that nobody knows any more is forgotten, and one that leads away is not followed") {
  ArmWorld world;
  std::string const operation = subscription + "/operations/1";
  world.on("GET " + operation, answer(404, ""));
  auto const forgotten =
      world.run(world.manager->progress("status https://management.azure.com" + operation, world.deadline()));
  CHECK(forgotten.value().state == ChangeProgress::State::forgotten);
  for (auto const* const url : {"status https://evil.example/x", "status http://management.azure.com/x",
                                "location https://a@management.azure.com/x", "status nonsense"}) {
    INFO(url);
    auto const progress = world.run(world.manager->progress(url, world.deadline()));
    REQUIRE_FALSE(progress);
    CHECK(progress.error().error_class == ErrorClass::malformed);
  }
}

TEST_CASE("with a Location alone, 202 is under way, 200 and 204 are the end, and an error is its failure") {
  ArmWorld world;
  std::string const operation = subscription + "/operations/1";
  world.on("GET " + operation, answer(202, ""));
  world.on("GET " + operation, answer(204, ""));
  world.on("GET " + operation, answer(409, R"({"error":{"code":"Conflict","message":"no"}})"));
  auto const progress = [&] {
    return world
        .run(world.manager->progress("location https://management.azure.com" + operation, world.deadline()))
        .value()
        .state;
  };
  CHECK(progress() == ChangeProgress::State::under_way);
  CHECK(progress() == ChangeProgress::State::done);
  CHECK(progress() == ChangeProgress::State::failed);
}

TEST_CASE("a refusal of Resource Manager keeps its code, its request ids and what to do") {
  struct Case {
    unsigned status;
    char const* body;
    ErrorClass error_class;
    char const* code;
  };
  auto const given = GENERATE(values<Case>({
      {403, R"({"error":{"code":"AuthorizationFailed","message":"m"}})", ErrorClass::access,
       "AuthorizationFailed"},
      {409, R"({"error":{"code":"ScopeLocked","message":"m"}})", ErrorClass::access, "ScopeLocked"},
      {409, R"({"code":"OperationNotAllowed","message":"m"})", ErrorClass::conflict, "OperationNotAllowed"},
      {404, R"({"error":{"code":"ResourceNotFound","message":"m"}})", ErrorClass::not_found,
       "ResourceNotFound"},
      {400, R"({"error":{"code":"NoRegisteredProviderFound","message":"m"}})", ErrorClass::permanent,
       "NoRegisteredProviderFound"},
      {409, "<html>proxy</html>", ErrorClass::conflict, ""},
  }));
  ArmWorld world;
  world.on("GET " + set_path, answer(given.status, given.body, {{"x-ms-request-id", "r"}}));
  auto const described = world.run(world.manager->describe(ResourceId(set_path), world.deadline()));
  REQUIRE_FALSE(described);
  CHECK(described.error().error_class == given.error_class);
  CHECK(described.error().code == given.code);
  CHECK(described.error().request_id == "r");
  CHECK_FALSE(described.error().remedy.empty());
  CHECK(described.error().where == "GET https://management.azure.com" + set_path);
}

TEST_CASE("a 401 of Resource Manager renews the token once, and a second one is final") {
  ArmWorld world;
  world.on("GET " + set_path, answer(401, ""));
  world.on("GET " + set_path, set_text("v1"));
  CHECK(world.run(world.manager->describe(ResourceId(set_path), world.deadline())));
  CHECK(world.credentials.forgotten == 1);
  world.clear("GET " + set_path);
  world.on("GET " + set_path, answer(401, ""));
  auto const refused = world.run(world.manager->describe(ResourceId(set_path), world.deadline()));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().error_class == ErrorClass::access);
}

TEST_CASE("the answer about one set must be about that one") {
  ArmWorld world;
  std::string other = set_text("v1");
  other.replace(other.find("des1"), 4, "des2");
  world.on("GET " + set_path, other);
  auto const described = world.run(world.manager->describe(ResourceId(set_path), world.deadline()));
  REQUIRE_FALSE(described);
  CHECK(described.error().error_class == ErrorClass::malformed);
}
