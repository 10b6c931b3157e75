#include "tests/contract/azure/arm/arm_caller.hpp"
#include "tests/simulator/world.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace rekeyd::sim;
using namespace rekeyd::sim::test;

namespace {

/// "field: message" of each mistake in a world with those fields of a subscription.
std::vector<std::string> mistakes_in(std::string const& fields) {
  std::string const yaml = fmt::format(
      "version: 1\nazure:\n  tenants: [{{ id: {0} }}]\n  vaults: [{{ name: kv1, tenant: {0}, keys: [{{ name: "
      "root, "
      "kty: EC }}] }}]\n  subscriptions:\n    - {{ id: s1, tenant: {0}, resource_groups: [{{ name: g }}], "
      "{1} }}\n",
      tenant, fields);
  std::vector<std::string> messages;
  auto const world = make_world(yaml, {beginning(), 1});
  if (world) return messages;
  for (auto const& mistake : world.error()) {
    CHECK(mistake.line > 0);
    messages.push_back(mistake.field + ": " + mistake.message);
  }
  return messages;
}

}  // namespace

TEST_CASE("Mistakes in a subscription are told with their places") {
  std::string const set = "azure.subscriptions[0].disk_encryption_sets[0].";
  std::string const machine = "azure.subscriptions[0].virtual_machines[0].";
  auto const one = [](std::string const& fields, std::string const& field) {
    auto const found = mistakes_in(fields);
    INFO(fields);
    REQUIRE(found.size() == 1);
    CHECK(found[0].starts_with(field + ": "));
  };
  one("disk_encryption_sets: [{ name: d, key: kv1/none }]", set + "key");
  one("disk_encryption_sets: [{ name: d, key: other/root }]", set + "key");
  one("disk_encryption_sets: [{ name: d, key: kv1/root, versions_behind: 3 }]", set + "key");
  one("disk_encryption_sets: [{ name: d, key: kv1/root, type: cvm }]", set + "type");
  one("disk_encryption_sets: [{ name: d, key: kv1/root, resource_group: h }]", set + "resource_group");
  one("disk_encryption_sets: [{ name: d, key: kv1/root, type: confidential-vm, rotation_to_latest: true }]",
      set + "rotation_to_latest");
  one("disk_encryption_sets: [{ name: d, key: kv1/root, colour: red }]", set + "colour");
  one("virtual_machines: [{ name: vm, disk_encryption_set: none }]", machine + "disk_encryption_set");
  one("disk_encryption_sets: [{ name: d, key: kv1/root }], virtual_machines: [{ name: vm, security: "
      "confidential, "
      "disk_encryption_set: d }]",
      machine + "disk_encryption_set");
  one("virtual_machines: [{ name: vm, count: 2 }]", machine + "name");
  one("virtual_machines: [{ name: vm, power: asleep }]", machine + "power");
  one("virtual_machines: [{ name: vm, ade: { key: kv1/none } }]", machine + "ade.key");
  one("locks: [{ name: l, level: Soft }]", "azure.subscriptions[0].locks[0].level");
  one("storage_accounts: [{ name: sa, key: kv1/none }]", "azure.subscriptions[0].storage_accounts[0].key");
  one("sql_servers: [{ name: s, auto_rotation: true }]",
      "azure.subscriptions[0].sql_servers[0].auto_rotation");
}

TEST_CASE("A whole subscription is read without a mistake") {
  CHECK(
      mistakes_in(
          "disk_encryption_sets: [{ name: d, key: kv1/root }], virtual_machines: [{ name: 'vm{n}', count: "
          "12, "
          "disk_encryption_set: g/d, data_disks: 2 }], snapshots: [{ name: s, disk_encryption_set: s1/g/d }]")
          .empty());
}

TEST_CASE("The same requests to the same world get the same answers") {
  auto const told = [] {
    ArmCaller arm({"{ name: des1, key: kv1/disk }", "{ name: vm1, disk_encryption_set: des1 }", {}, {}});
    std::vector<std::string> answers;
    auto const note = [&](Reply const& reply) {
      answers.push_back(reply.text);
      for (auto const& [name, value] : reply.headers) answers.push_back(fmt::format("{}: {}", name, value));
    };
    auto const changed = arm.change_key("des1", arm.current("disk"));
    note(changed);
    note(arm.post(std::string(ArmCaller::machines) + "vm1/deallocate"));
    arm.wait(std::chrono::minutes(1));
    note(arm.status(changed));
    note(arm.get("/providers/Microsoft.Compute/virtualMachines?$expand=instanceView"));
    return answers;
  };
  CHECK(told() == told());
}
