#include "tests/contract/azure/arm/arm_caller.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace rekeyd::sim;
using namespace rekeyd::sim::test;
namespace json = boost::json;

namespace {

std::string const sub = std::string("/subscriptions/") + subscription;
ArmWorld const one_machine{
    "{ name: des1, key: kv1/disk }", "{ name: vm1, disk_encryption_set: des1 }", {}, {}};

ArmWorld with(ArmWorld world, std::string more) {
  world.more = std::move(more);
  return world;
}

}  // namespace

TEST_CASE("Without a token, Azure Resource Manager asks for one in its own way") {
  ArmCaller arm;
  auto const reply =
      AzureCaller::reply(arm.azure.raw("GET", "management.azure.com", sub + "?api-version=2021-04-01"));
  CHECK(reply.status == 401);
  CHECK(reply.at("error/code") == "AuthenticationFailed");
  CHECK(reply.header("www-authenticate")
            .starts_with(std::string("Bearer authorization_uri=\"https://login.windows.net/") + tenant +
                         "\", error=\"invalid_token\""));
  CHECK_FALSE(reply.header("x-ms-request-id").empty());
  CHECK_FALSE(reply.header("x-ms-correlation-request-id").empty());
}

TEST_CASE("A vault's token, a stranger's and an expired one are no good at Azure Resource Manager") {
  ArmCaller arm;
  arm.token = arm.azure.token("https://vault.azure.net");
  CHECK(arm.get(sub).at("error/code") == "InvalidAuthenticationTokenAudience");
  arm.token = "made.up.token";
  CHECK(arm.get(sub).at("error/code") == "InvalidAuthenticationToken");
  arm.token = arm.azure.token("https://management.azure.com");
  CHECK(arm.get(sub).status == 200);
  arm.wait(std::chrono::hours(2));
  auto const late = arm.get(sub);
  CHECK(late.status == 401);
  CHECK(late.at("error/code") == "ExpiredAuthenticationToken");
}

TEST_CASE("A client that the subscription does not know is not authorized") {
  ArmCaller arm(with(one_machine, "allowed_clients: [someone-else], "));
  auto const reply = arm.get("/providers/Microsoft.Compute/virtualMachines");
  CHECK(reply.status == 403);
  CHECK(reply.at("error/code") == "AuthorizationFailed");
  CHECK(reply.at("error/message").find("microsoft.compute/virtualmachines/read") != std::string::npos);
}

TEST_CASE("A missing permission shows in the list of permissions, and refuses the act") {
  ArmCaller arm(
      with(one_machine, std::string("permissions: [{ client: ") + client +
                            ", not_actions: ['Microsoft.Compute/virtualMachines/start/action'] }], "));
  auto const mine = arm.get("/providers/Microsoft.Authorization/permissions");
  REQUIRE(mine.status == 200);
  auto const& first = mine.json.at("value").at(0);
  CHECK(first.at("actions") == json::array{"*"});
  CHECK(first.at("notActions") == json::array{"Microsoft.Compute/virtualMachines/start/action"});
  CHECK(arm.post(std::string(ArmCaller::machines) + "vm1/deallocate").status == 202);
  arm.wait(std::chrono::minutes(5));
  auto const refused = arm.post(std::string(ArmCaller::machines) + "vm1/start");
  CHECK(refused.status == 403);
  CHECK(refused.at("error/code") == "AuthorizationFailed");
  CHECK(arm.power("vm1") == "deallocated");
}

TEST_CASE("Permissions are listed at a resource, too") {
  ArmCaller arm(one_machine);
  auto const reply =
      arm.get(std::string(ArmCaller::sets) + "des1/providers/Microsoft.Authorization/permissions");
  CHECK(reply.status == 200);
  CHECK(reply.json.at("value").as_array().size() == 1);
}

TEST_CASE("A read-only lock of the group refuses starts, stops and key changes, and is listed") {
  ArmCaller arm(with(one_machine, "locks: [{ scope: Prod, name: freeze, notes: by the auditors }], "));
  for (auto const& reply : {arm.post(std::string(ArmCaller::machines) + "vm1/deallocate"),
                            arm.change_key("des1", arm.current("disk"))}) {
    CHECK(reply.status == 409);
    CHECK(reply.at("error/code") == "ScopeLocked");
    CHECK(reply.at("error/message").find("/resourceGroups/Prod'. Please remove the lock") !=
          std::string::npos);
  }
  auto const locks = arm.get(sub + "/providers/Microsoft.Authorization/locks");
  REQUIRE(locks.json.at("value").as_array().size() == 1);
  auto const& lock = locks.json.at("value").at(0);
  CHECK(lock.at("properties").at("level") == "ReadOnly");
  CHECK(lock.at("properties").at("notes") == "by the auditors");
  CHECK(std::string(lock.at("id").as_string())
            .ends_with("/resourceGroups/Prod/providers/Microsoft.Authorization/locks/freeze"));
  CHECK(arm.get("/providers/Microsoft.Authorization/locks").json.at("value").as_array().size() == 1);
}

TEST_CASE("A lock of one machine holds only that machine, and one against deletion holds no start") {
  ArmWorld world = one_machine;
  world.machines += ", { name: vm2 }";
  ArmCaller arm(
      with(world,
           "locks: [{ scope: /resourceGroups/prod/providers/Microsoft.Compute/virtualMachines/VM1 }, "
           "{ scope: '', level: CanNotDelete, name: keep }], "));
  CHECK(arm.post(std::string(ArmCaller::machines) + "vm1/deallocate").status == 409);
  CHECK(arm.post(std::string(ArmCaller::machines) + "vm2/deallocate").status == 202);
  CHECK(arm.get("/providers/Microsoft.Authorization/locks").json.at("value").as_array().size() == 1);
  CHECK(arm.get(std::string(ArmCaller::machines) + "vm1/providers/Microsoft.Authorization/locks")
            .json.at("value")
            .as_array()
            .size() == 1);
}

TEST_CASE("People put locks and take them away") {
  ArmCaller arm(one_machine);
  json::object const lock{{"scope", sub}, {"name", "stop"}, {"level", "ReadOnly"}};
  CHECK(arm.control("/locks", lock).status == 204);
  CHECK(arm.post(std::string(ArmCaller::machines) + "vm1/deallocate").status == 409);
  CHECK(arm.control("/locks", lock, "DELETE").status == 204);
  CHECK(arm.control("/locks", lock, "DELETE").status == 404);
  CHECK(arm.post(std::string(ArmCaller::machines) + "vm1/deallocate").status == 202);
}

TEST_CASE("Each resource type has api-versions of its own") {
  ArmCaller arm(one_machine);
  auto const without = AzureCaller::reply(
      arm.azure.raw("GET", "management.azure.com", sub + "/providers/Microsoft.Compute/virtualMachines", {},
                    {{"Authorization", "Bearer " + arm.azure.token("https://management.azure.com")}}));
  CHECK(without.status == 400);
  CHECK(without.at("error/code") == "MissingApiVersionParameter");
  auto const wrong = arm.get(std::string(ArmCaller::sets) + "des1?api-version=2024-03-01");
  CHECK(wrong.status == 400);
  CHECK(wrong.at("error/code") == "NoRegisteredProviderFound");
  CHECK(arm.get(std::string(ArmCaller::sets) + "des1?api-version=2024-03-02").status == 200);
  CHECK(arm.get(std::string(ArmCaller::machines) + "vm1?api-version=2023-10-02").status == 400);
}

TEST_CASE("What is not there is told apart: subscription, group, resource, type") {
  ArmCaller arm(one_machine);
  CHECK(arm.get("/subscriptions/bbbb?api-version=2021-04-01").at("error/code") == "SubscriptionNotFound");
  CHECK(arm.get(sub + "/resourceGroups/none/providers/Microsoft.Compute/disks").at("error/code") ==
        "ResourceGroupNotFound");
  auto const set = arm.get(std::string(ArmCaller::sets) + "none");
  CHECK(set.status == 404);
  CHECK(set.at("error/code") == "ResourceNotFound");
  CHECK(set.header("x-ms-failure-cause") == "gateway");
  CHECK(arm.get("/providers/Microsoft.Compute/images?api-version=2024-03-01").at("error/code") ==
        "InvalidResourceType");
  CHECK(arm.call("DELETE", std::string(ArmCaller::sets) + "des1").status == 405);
}

TEST_CASE("Paths and names are read in any case") {
  ArmCaller arm(one_machine);
  auto const folded = arm.get(
      "/subscriptions/AAAAAAAA-0000-4000-8000-000000000001/resourcegroups/PROD/Providers/"
      "microsoft.compute/VIRTUALMACHINES/Vm1");
  CHECK(folded.status == 200);
  CHECK(folded.at("name") == "vm1");
  CHECK(arm.get("/stray/providers/Microsoft.Compute/disks").at("error/code") == "InvalidResourcePath");
}

TEST_CASE("Lists write the resource group in capitals, and follow nextLink to their end") {
  ArmWorld world = one_machine;
  world.machines = "{ name: 'vm-{n}', count: 7 }";
  world.extra = "  resource_manager: { page_size: 3 }\n";
  ArmCaller arm(world);
  std::vector<std::string> ids;
  auto page = arm.get("/providers/Microsoft.Compute/virtualMachines?$expand=instanceView");
  for (int pages = 1;; ++pages) {
    REQUIRE(page.status == 200);
    for (auto const& machine : page.json.at("value").as_array()) {
      ids.emplace_back(machine.at("id").as_string());
      CHECK(machine.at("properties").as_object().contains("instanceView"));
    }
    if (page.at("nextLink").empty()) {
      CHECK(pages == 3);
      break;
    }
    page = arm.follow(page.at("nextLink"));
  }
  CHECK(ids.size() == 7);
  CHECK(ids.front().find("/resourceGroups/PROD/") != std::string::npos);
}

TEST_CASE("A world without subscriptions has an Azure Resource Manager that knows none") {
  AzureCaller azure(vault_with("{ name: root }"));
  auto const reply = AzureCaller::reply(
      azure.raw("GET", "management.azure.com", "/subscriptions/s?api-version=2021-04-01", {},
                {{"Authorization", "Bearer " + azure.token("https://management.azure.com")}}));
  CHECK(reply.status == 404);
  CHECK(reply.at("error/code") == "SubscriptionNotFound");
}

TEST_CASE("Paths that name nothing sensible are refused, whatever they are") {
  ArmCaller arm(one_machine);
  std::string const group = sub + "/resourceGroups/Prod";
  for (std::string const& path :
       {sub + "/", sub + "//", sub + "/providers", sub + "/providers/", sub + "/providers/Microsoft.Compute",
        sub + "/providers/Microsoft.Compute/", sub + "/providers/Microsoft.Compute/locations/x",
        sub + "/providers/Microsoft.Compute/locations/x/operations",
        sub + "/providers/Microsoft.Sql/locations/x/y/z", sub + "/providers/Microsoft.Nothing/things",
        group + "/", group + "/providers//", group + "/x/y",
        group + "/providers/Microsoft.Compute/virtualMachines/vm1/extensions/a/b/c",
        group + "/providers/Microsoft.Compute/virtualMachines/vm1/dance",
        group + "/providers/Microsoft.Storage/storageAccounts/a/b/c",
        group + "/providers/Microsoft.Sql/servers/a/b/c/d",
        group + "/providers/Microsoft.Authorization/roles"}) {
    for (std::string const method : {"GET", "POST", "PUT", "PATCH", "DELETE"}) {
      for (std::string const version :
           {"2024-03-01", "2023-10-02", "2021-04-01", "2023-01-01", "2021-11-01"}) {
        auto const reply = arm.call(method, fmt::format("{}?api-version={}", path, version), json::object{});
        INFO(method << " " << path);
        CHECK(reply.status >= 400);
        CHECK(reply.status < 500);
      }
    }
  }
}
