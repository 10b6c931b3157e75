#include "tests/providers/azure/arm_world.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace rekeyd;
using namespace rekeyd::providers;
using namespace rekeyd::test;

namespace {

std::string machine_text(std::string const& name, std::string const& power,
                         std::string const& storage = "{}") {
  return fmt::format(
      R"({{"id":"{}","properties":{{"provisioningState":"Succeeded","storageProfile":{},
      "instanceView":{{"statuses":[{{"code":"PowerState/{}"}}]}}}}}})",
      machine_path(name), storage, power);
}

std::string on_the_set() {
  return fmt::format(
      R"({{"osDisk":{{"managedDisk":{{"securityProfile":{{"diskEncryptionSet":{{"id":"{}"}}}}}}}}}})",
      set_path);
}

std::string disk_text(std::string const& name, std::string const& holder, std::string const& set) {
  return fmt::format(
      R"({{"id":"{}/resourceGroups/apps/providers/Microsoft.Compute/disks/{}","managedBy":"{}",
      "properties":{{"securityProfile":{{"secureVMDiskEncryptionSetId":"{}"}}}}}})",
      subscription, name, holder, set);
}

void script(ArmWorld& world, std::string const& machines, std::string const& disks,
            std::string const& associated = "") {
  world.on("GET " + machines_path, R"({"value":[)" + machines + "]}");
  world.on("GET " + disks_path, R"({"value":[)" + disks + "]}");
  world.on("GET " + set_path + "/associatedResources", R"({"value":[)" + associated + "]}");
}

std::map<std::string, Power> powers(std::vector<Machine> const& machines) {
  std::map<std::string, Power> found;
  for (Machine const& machine : machines)
    found[machine.id.str().substr(machine.id.str().rfind('/') + 1)] = machine.power;
  return found;
}

}  // namespace

TEST_CASE(
    "machines of a set are found by what they name, by who holds its disks, and by what is associated") {
  ArmWorld world;
  std::string const associated_disk =
      subscription + "/resourceGroups/apps/providers/Microsoft.Compute/disks/c";
  script(world,
         machine_text("a", "running", on_the_set()) + "," + machine_text("b", "deallocated") + "," +
             machine_text("c", "stopped") + "," + machine_text("other", "running"),
         disk_text("b", machine_path("b"), set_path) + "," + disk_text("c", machine_path("c"), "/elsewhere"),
         "\"" + associated_disk + "\"");
  auto const machines = world.run(world.manager->machines(ResourceId(set_path), world.deadline()));
  REQUIRE(machines);
  CHECK(powers(*machines) ==
        std::map<std::string, Power>{{"a", Power::running}, {"b", Power::released}, {"c", Power::stopped}});
  CHECK(world.sent("GET " + machines_path).at(0).target.find("$expand=instanceView") != std::string::npos);
}

TEST_CASE("a machine that is younger than the list is asked for, and one that is gone is left out") {
  ArmWorld world;
  script(
      world, "",
      disk_text("d", machine_path("young"), set_path) + "," + disk_text("e", machine_path("gone"), set_path));
  world.on("GET " + machine_path("young"), machine_text("young", "running"));
  world.on("GET " + machine_path("gone"),
           answer(404, R"({"error":{"code":"ResourceNotFound","message":"m"}})"));
  auto const machines = world.run(world.manager->machines(ResourceId(set_path), world.deadline()));
  REQUIRE(machines);
  CHECK(powers(*machines) == std::map<std::string, Power>{{"young", Power::running}});
}

TEST_CASE("what holds a disk of the set and cannot be stopped by us is an obstacle with a name") {
  ArmWorld world;
  std::string const instance =
      subscription +
      "/resourceGroups/apps/providers/Microsoft.Compute/virtualMachineScaleSets/set/virtualMachines/0";
  script(world, "", disk_text("d", instance, set_path) + "," + disk_text("e", "/something/else", set_path));
  auto const machines = world.run(world.manager->machines(ResourceId(set_path), world.deadline()));
  REQUIRE(machines);
  std::set<std::string> words;
  for (Machine const& machine : *machines) words.insert(machine.obstacle.value().word);
  CHECK(words == std::set<std::string>{"scale_set_machine", "unknown_holder"});
}

TEST_CASE("a machine or disk that cannot be read makes the whole list an error") {
  ArmWorld world;
  SECTION("machine") { script(world, R"({"id":7})", ""); }
  SECTION("disk") { script(world, "", R"({"id":7})"); }
  CHECK_FALSE(world.run(world.manager->machines(ResourceId(set_path), world.deadline())));
}

TEST_CASE("a machine is deallocated and started by asynchronous operations") {
  ArmWorld world;
  std::string const operation = "https://management.azure.com" + subscription + "/operations/1";
  for (std::string const action : {"deallocate", "start"}) {
    world.on("POST " + machine_path("a") + "/" + action,
             answer(202, "", {{"Azure-AsyncOperation", operation}}));
  }
  auto const stopped = world.run(world.manager->stop(ResourceId(machine_path("a")), world.deadline()));
  REQUIRE(stopped);
  CHECK(stopped->operation == "status " + operation);
  CHECK(world.run(world.manager->start(ResourceId(machine_path("a")), world.deadline())));
  CHECK(world.sent("POST " + machine_path("a") + "/deallocate").at(0).body.empty());
}

TEST_CASE("locks and missing rights are found before anything is stopped") {
  ArmWorld world;
  std::vector<ResourceId> const machines{ResourceId(machine_path("a"))};
  auto const found = [&] {
    auto const hindrances =
        world.run(world.manager->hindrances(ResourceId(set_path), machines, world.deadline()));
    REQUIRE(hindrances);
    std::vector<std::string> words;
    for (ResourceCondition const& each : *hindrances) words.push_back(each.word);
    return words;
  };
  auto const lock = [](std::string const& scope) {
    return fmt::format(
        R"({{"id":"{}/providers/Microsoft.Authorization/locks/keep","name":"keep","properties":{{"level":"ReadOnly"}}}})",
        scope);
  };
  SECTION("nothing") {
    world.on("GET " + locks_path, R"({"value":[]})");
    world.on("GET " + permissions_path, R"({"value":[{"actions":["*"],"notActions":[]}]})");
    CHECK(found().empty());
  }
  SECTION("a lock on the group holds the set and the machine") {
    world.on("GET " + locks_path, R"({"value":[)" + lock(subscription + "/resourceGroups/APPS") + "]}");
    world.on("GET " + permissions_path, R"({"value":[{"actions":["*"]}]})");
    CHECK(found() == std::vector<std::string>{"locked", "locked"});
  }
  SECTION("rights to stop and not to start") {
    world.on("GET " + locks_path, answer(403, R"({"error":{"code":"AuthorizationFailed","message":"m"}})"));
    world.on(
        "GET " + permissions_path,
        R"({"value":[{"actions":["Microsoft.Compute/*"],"notActions":["Microsoft.Compute/virtualMachines/start/action"]}]})");
    CHECK(found() == std::vector<std::string>{"missing_right"});
  }
  SECTION("out of reach") {
    world.on("GET " + locks_path, answer(503, ""));
    CHECK_FALSE(world.run(world.manager->hindrances(ResourceId(set_path), machines, world.deadline())));
  }
}
