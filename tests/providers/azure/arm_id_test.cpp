#include "providers/azure/arm_id.hpp"

#include <catch2/catch.hpp>

using namespace rekeyd;
using namespace rekeyd::providers::azure;

TEST_CASE("an ARM id is read whatever its case") {
  auto const id = ArmId::parse(
      "/subscriptions/99999999-AAAA-4bbb-8ccc-000000000001/resourceGroups/My_Group.(1)/providers/"
      "Microsoft.Compute/"
      "diskEncryptionSets/Des-1");
  REQUIRE(id);
  CHECK(id->subscription == "99999999-aaaa-4bbb-8ccc-000000000001");
  CHECK(id->resource_group == "my_group.(1)");
  CHECK(id->type == "microsoft.compute/diskencryptionsets");
  CHECK(id->name == "des-1");
  CHECK(id->resource().str() ==
        "/subscriptions/99999999-aaaa-4bbb-8ccc-000000000001/resourcegroups/my_group.(1)/providers/"
        "microsoft.compute/"
        "diskencryptionsets/des-1");
}

TEST_CASE("the type of a resource within another names both") {
  auto const id = ArmId::parse(
      "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachineScaleSets/set/"
      "virtualMachines/0");
  REQUIRE(id);
  CHECK(id->type == "microsoft.compute/virtualmachinescalesets/virtualmachines");
  CHECK(id->name == "0");
}

TEST_CASE("what is no id of a resource, or could lead a request elsewhere, is refused") {
  auto const text = GENERATE(
      "", "/", "x", "/subscriptions/s", "/subscriptions/s/resourceGroups/g",
      "subscriptions/s/resourceGroups/g/providers/p/t/n", "/subscriptions/s/resourceGroups/g/providers/p/t",
      "/subscriptions/s/resourceGroups/g/providers/p/t/n/extra",
      "/subscriptions//resourceGroups/g/providers/p/t/n",
      "/subscriptions/s/resourceGroups/g/providers/p/t/..",
      "/subscriptions/s/resourceGroups/g/providers/p/t/a?b",
      "/subscriptions/s/resourceGroups/g/providers/p/t/a%2fb",
      "/subscriptions/s/resourceGroups/g/providers/p/t/a b", "/subscriptions/s/resourceGroups/g/things/p/t/n",
      "https://host/subscriptions/s/resourceGroups/g/providers/p/t/n");
  INFO(text);
  CHECK_FALSE(ArmId::parse(text));
}
