#include "providers/azure/arm_authorization.hpp"

#include <catch2/catch.hpp>

using namespace rekeyd;
using namespace rekeyd::providers::azure;

namespace {

std::string const where = "GET https://management.azure.com/x";

}  // namespace

TEST_CASE("rights add up, and what one grant takes back another may give") {
  std::vector<ArmGrant> const reader{{{"*/read"}, {}}};
  CHECK(permits(reader, "Microsoft.Compute/virtualMachines/read"));
  CHECK_FALSE(permits(reader, "Microsoft.Compute/virtualMachines/start/action"));
  std::vector<ArmGrant> const operators{
      {{"Microsoft.Compute/*"}, {"Microsoft.Compute/virtualMachines/start/action"}},
      {{"microsoft.compute/virtualmachines/*/ACTION"}, {}}};
  CHECK(permits(operators, "Microsoft.Compute/virtualMachines/start/action"));
  CHECK(permits({operators.data(), 1}, "Microsoft.Compute/diskEncryptionSets/write"));
  CHECK_FALSE(permits({operators.data(), 1}, "Microsoft.Compute/virtualMachines/start/action"));
  CHECK_FALSE(permits({}, "Microsoft.Compute/diskEncryptionSets/write"));
}

TEST_CASE("permissions are read as they are answered") {
  auto const grants = parse_permissions(
      R"({"value":[{"actions":["*"],"notActions":["Microsoft.Authorization/*/write"],"dataActions":[]}]})",
      where);
  REQUIRE(grants);
  CHECK(permits(*grants, "Microsoft.Compute/diskEncryptionSets/write"));
  CHECK_FALSE(permits(*grants, "Microsoft.Authorization/locks/write"));
  CHECK_FALSE(parse_permissions(R"({"value":[{"actions":"*"}]})", where));
}

TEST_CASE("a read-only lock holds what it is on and all below it, and no neighbour") {
  auto const locks = parse_locks(
      R"({"value":[
      {"id":"/subscriptions/S/resourceGroups/Apps/providers/Microsoft.Authorization/locks/keep","name":"keep","properties":{"level":"ReadOnly"}},
      {"id":"/subscriptions/S/resourceGroups/Data/providers/Microsoft.Authorization/locks/stay","name":"stay","properties":{"level":"CanNotDelete"}}]})",
      where);
  REQUIRE(locks);
  std::string const machine = "/providers/microsoft.compute/virtualmachines/vm";
  REQUIRE(lock_over(*locks, "/subscriptions/s/resourcegroups/apps" + machine) != nullptr);
  CHECK(lock_over(*locks, "/subscriptions/s/resourcegroups/apps" + machine)->name == "keep");
  CHECK(lock_over(*locks, "/subscriptions/s/resourcegroups/apps2" + machine) == nullptr);
  CHECK(lock_over(*locks, "/subscriptions/s/resourcegroups/data" + machine) == nullptr);
  CHECK_FALSE(parse_locks(R"({"value":[{"name":1}]})", where));
}
