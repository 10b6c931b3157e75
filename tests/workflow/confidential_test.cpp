// Confidential machines stand still for as short as can be, and run again whatever happens.
#include "tests/workflow/azure_world.hpp"
#include "tests/workflow/confidential_world.hpp"
#include "tests/workflow/small_world.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

namespace rekeyd {
namespace {

using namespace std::chrono_literals;
using test::confidential_world;
using test::ConfidentialWorld;
using test::done;
using test::LivingDaemon;
using test::machine_act;
using test::machine_truth;
using test::machines_key;
using test::on_current;
using test::running;

constexpr char const* arm = "management.azure.com";

Rotation newest(LivingDaemon& life) {
  return life.store().rotations(*KeyRef::parse(machines_key), 1).value().at(0);
}

std::string blocked_reason(LivingDaemon& life) {
  auto const rotations = life.store().rotations(*KeyRef::parse(machines_key), 1).value();
  bool const blocked = !rotations.empty() && rotations.front().state == RotationState::blocked;
  return blocked ? rotations.front().blocked_reason : "";
}

bool is_waiting(LivingDaemon& life) {
  auto const unfinished = life.store().unfinished_rotations().value();
  return !unfinished.empty() && life.verdict(machines_key).reason == "needs_quiesce";
}

/// Do all of those that ran rest, at the clouds?
bool all_rest(LivingDaemon& life) {
  for (char const* const name : {"cvm-1", "cvm-2", "cvm-3", "cvm-4"}) {
    if (machine_truth(life, name).power != "deallocated") return false;
  }
  return true;
}

TEST_CASE("confidential machines are stopped for the change of their set and started again, and no others") {
  LivingDaemon life(confidential_world());
  life.start();
  REQUIRE(life.run_until([&] { return done(life) == 1; }));
  CHECK(on_current(life));
  test::require_machines_as_they_were(life);
  auto const stops = life.store().machine_stops(newest(life).id).value();
  REQUIRE(stops.size() == 4);
  for (storage::MachineStop const& stop : stops) {
    CHECK(stop.outcome == "running");
    CHECK(stop.ran);
    CHECK(stop.at_rest > stop.asked_at);
    CHECK(stop.running_at > stop.at_rest);
    // 50 s to stop, 20 s and 2 s a machine to change, 70 s to start, and what lies between two looks.
    CHECK(*stop.running_at - stop.asked_at >= 140s);
    CHECK(*stop.running_at - stop.asked_at < 160s);
  }
  CHECK(life.events(EventKind::machine_stopped).size() == 4);
  auto const started = life.events(EventKind::machine_started);
  REQUIRE(started.size() == 4);
  CHECK(started[0].event.details.contains("downtime_seconds"));
  CHECK(life.network().count("PATCH management.azure.com") == 1);
  auto const downtime = life.store().last_downtime(stops.front().resource).value();
  REQUIRE(downtime);
  CHECK(*downtime >= 140s);
  life.run_for(test::days(2));
  CHECK(test::opened(life) == 1);
  test::require_machines_as_they_were(life);
}

TEST_CASE(
    "a policy that says nothing of machines lets none be stopped, once a person has, the change is made") {
  LivingDaemon life(confidential_world({.rules = "{ stop: false }"}));
  life.start();
  REQUIRE(life.run_until([&] { return is_waiting(life); }));
  Verdict const said = life.verdict(machines_key);
  CHECK(said.status == KeyStatus::waiting);
  CHECK(said.waits_for == WaitsFor::stopped_vm);
  CHECK(said.sentence.find(test::set_id("des")) != std::string::npos);
  life.run_for(3h);
  CHECK(running(life) == 4);
  CHECK_FALSE(on_current(life));
  for (char const* const name : {"cvm-1", "cvm-2", "cvm-3", "cvm-4"}) machine_act(life, name, "deallocate");
  REQUIRE(life.run_until([&] { return done(life) == 1; }));
  CHECK(on_current(life));
  CHECK(running(life) == 0);  // Theirs to start.
  CHECK(life.store().machine_stops(newest(life).id).value().empty());
}

TEST_CASE("a machine that somebody starts before the change is stopped again, and runs at the end") {
  LivingDaemon life(confidential_world());
  life.start();
  REQUIRE(life.run_until([&] { return all_rest(life); }));
  machine_act(life, "cvm-2", "start");
  REQUIRE(life.run_until([&] { return done(life) == 1; }));
  CHECK(on_current(life));
  test::require_machines_as_they_were(life);
}

TEST_CASE("what was stopped runs again when one machine cannot be stopped, and the rotation is blocked") {
  LivingDaemon life(confidential_world());
  life.start();
  machine_act(life, "cvm-3", "stick-in-deallocating");
  REQUIRE(life.run_until([&] { return machine_truth(life, "cvm-1").power == "deallocated"; }));
  REQUIRE(life.run_until([&] { return running(life) == 3; }, 20min));
  CHECK_FALSE(on_current(life));
  CHECK(blocked_reason(life).empty());  // Not before the last one runs.
  machine_act(life, "cvm-3", "let-go");
  REQUIRE(life.run_until([&] { return !blocked_reason(life).empty(); }));
  CHECK(blocked_reason(life) == "machine_does_not_stop");
  CHECK(newest(life).message.find("cvm-3") != std::string::npos);
  CHECK_FALSE(newest(life).remedy.empty());
  test::require_machines_as_they_were(life);
}

TEST_CASE("a blocked quiesce goes on with the version that is there when a person wants it") {
  LivingDaemon life(confidential_world());
  life.start();
  machine_act(life, "cvm-3", "fail-deallocate",
              R"("code":"InternalExecutionError","message":"no","times":3)");
  REQUIRE(life.run_until([&] { return !blocked_reason(life).empty(); }));
  std::string const version = test::current_version(life, machines_key);
  machine_act(life, "cvm-3", "heal");
  REQUIRE(life.run_until([&] { return life.daemon().retry(newest(life).id, "anna").has_value(); }));
  REQUIRE(life.run_until([&] { return done(life) == 1; }));
  CHECK(on_current(life));
  CHECK(test::current_version(life, machines_key) == version);
  test::require_machines_as_they_were(life);
}

TEST_CASE("a machine that does not come up holds no other down, and the rotation does not end") {
  LivingDaemon life(confidential_world());
  life.start();
  machine_act(life, "cvm-1", "fail-start",
              R"("code":"AllocationFailed","message":"no capacity","times":100)");
  REQUIRE(life.run_until([&] { return blocked_reason(life) == "machine_does_not_start"; }));
  for (char const* const name : {"cvm-2", "cvm-3", "cvm-4"})
    CHECK(machine_truth(life, name).power == "running");
  CHECK(on_current(life));
  CHECK(life.events(EventKind::machine_not_started).size() >= 3);
  CHECK(newest(life).message.find("AllocationFailed") != std::string::npos);
  machine_act(life, "cvm-1", "heal");
  REQUIRE(life.run_until([&] { return life.daemon().retry(newest(life).id, "anna").has_value(); }));
  REQUIRE(life.run_until([&] { return done(life) == 1; }));
  test::require_machines_as_they_were(life);
}

TEST_CASE("machines that are deleted or started by somebody else meanwhile hold nothing up") {
  LivingDaemon life(confidential_world());
  life.start();
  REQUIRE(life.run_until([&] { return running(life) == 0 && on_current(life); }));
  machine_act(life, "cvm-4", "delete");
  REQUIRE(life.run_until([&] { return done(life) == 1; }));
  CHECK(running(life) == 3);
  auto const stops = life.store().machine_stops(newest(life).id).value();
  std::map<std::string, int> outcomes;
  for (storage::MachineStop const& stop : stops) ++outcomes[stop.outcome];
  CHECK(outcomes["gone"] == 1);
  CHECK(outcomes["running"] == 3);
}

TEST_CASE("a change that stays partial is asked for again while the machines still rest") {
  char const* const shape = GENERATE("previous-keys", "old-key");
  LivingDaemon life(confidential_world());
  life.start();
  test::people(
      life, "/disk-encryption-sets",
      fmt::format(R"({{"id":"{}","act":"partial","times":1,"shape":"{}"}})", test::set_id("des"), shape));
  REQUIRE(life.run_until([&] { return done(life) == 1; }));
  CHECK(on_current(life));
  CHECK(life.network().count("PATCH management.azure.com") == 2);
  CHECK(life.store().machine_stops(newest(life).id).value().size() == 4);  // Stopped once.
  test::require_machines_as_they_were(life);
}

TEST_CASE("when machines have stood still as long as they may, they run again and the rotation is blocked") {
  LivingDaemon life(confidential_world({.rules = "{ stop: true, downtime_max: 5 minutes }"}));
  life.start();
  test::people(life, "/disk-encryption-sets",
               fmt::format(R"({{"id":"{}","act":"stick"}})", test::set_id("des")));
  REQUIRE(life.run_until([&] { return running(life) == 0; }));
  Instant const down = life.clock().wall_now();
  REQUIRE(life.run_until([&] { return running(life) == 4; }));
  CHECK(life.clock().wall_now() - down < 10min);
  REQUIRE(life.run_until([&] { return !blocked_reason(life).empty(); }));
  CHECK(blocked_reason(life) == "downtime_over");
  test::require_machines_as_they_were(life);
}

TEST_CASE("a version from which no machine could start is found before any machine is stopped") {
  LivingDaemon life(confidential_world({.exportable = false}));
  life.start();
  REQUIRE(life.run_until([&] { return !blocked_reason(life).empty(); }));
  CHECK(blocked_reason(life) == "version_cannot_start_machines");
  CHECK(newest(life).message.find("release policy") != std::string::npos);
  CHECK(running(life) == 4);
  for (char const* const name : {"cvm-1", "cvm-2"}) CHECK(machine_truth(life, name).stops.empty());
}

TEST_CASE("what would stop us half-way is found before the key is rotated") {
  ConfidentialWorld world;
  char const* expected = "";
  SECTION("an ephemeral OS disk") {
    world.machines +=
        "- { name: fleeting, security: confidential, disk_encryption_set: des, ephemeral_os_disk: true }\n";
    expected = "ephemeral_os_disk";
  }
  SECTION("a machine that failed") {
    world.machines +=
        "- { name: broken, security: confidential, disk_encryption_set: des, failure: OSProvisioningTimedOut "
        "}\n";
    expected = "machine_failed";
  }
  SECTION("a lock") {
    world.subscription = "      locks: [{ scope: apps, name: frozen, level: ReadOnly }]\n";
    expected = "locked";
  }
  SECTION("a missing right") {
    world.subscription =
        "      permissions: [{ client: 66666666-7777-4888-8999-000000000001, actions: ['*'], not_actions: "
        "['Microsoft.Compute/virtualMachines/start/action'] }]\n";
    expected = "missing_right";
  }
  SECTION("an instance of a scale set") {
    world.machines +=
        "- { name: member, security: confidential, disk_encryption_set: des, scale_set: farm }\n";
    expected = "scale_set_machine";
  }
  LivingDaemon life(confidential_world(world));
  life.start();
  REQUIRE(life.run_until([&] { return !blocked_reason(life).empty(); }));
  CHECK(blocked_reason(life) == expected);
  CHECK_FALSE(newest(life).remedy.empty());
  CHECK_FALSE(newest(life).new_version);
  CHECK(life.network().count("POST management.azure.com") == 0);
}

TEST_CASE("groups stop in the policy's order and start in the opposite one") {
  LivingDaemon life(confidential_world(
      {.rules = "{ stop: true, order: [{ role: app }, { role: db }] }",
       .machines =
           "- { name: db-1, security: confidential, disk_encryption_set: des, tags: { role: db } }\n"
           "- { name: app-1, security: confidential, disk_encryption_set: des, tags: { role: app } }\n"
           "- { name: hub, security: confidential, disk_encryption_set: des }\n"}));
  life.start();
  REQUIRE(life.run_until([&] { return done(life) == 1; }));
  std::map<std::string, storage::MachineStop> by_name;
  auto const stops = life.store().machine_stops(newest(life).id).value();
  for (storage::MachineStop const& stop : stops) {
    by_name[stop.machine.str().substr(stop.machine.str().rfind('/') + 1)] = stop;
  }
  REQUIRE(by_name.size() == 3);
  CHECK(by_name["db-1"].asked_at >= by_name["app-1"].at_rest);
  CHECK(by_name["hub"].asked_at >= by_name["db-1"].at_rest);
  CHECK(by_name["db-1"].start_asked_at >= by_name["hub"].running_at);
  CHECK(by_name["app-1"].start_asked_at >= by_name["db-1"].running_at);
}

TEST_CASE("machines are taken out of service by the policy's command before they are stopped") {
  LivingDaemon life(confidential_world(
      {.rules = "{ stop: true, drain: { command: [/usr/local/bin/drain, --now], deadline: 2 minutes } }"}));
  SECTION("and stopped when it has ended well") {
    life.start();
    REQUIRE(life.run_until([&] { return done(life) == 1; }));
    REQUIRE(life.commands().size() == 4);
    CHECK(life.commands()[0].words == std::vector<std::string>{"/usr/local/bin/drain", "--now"});
    CHECK(life.commands()[0].environment.at("REKEYD_MACHINE") == test::machine_id("cvm-1"));
    CHECK(life.commands()[0].environment.at("REKEYD_KEY") == machines_key);
    CHECK(life.events(EventKind::machine_drained).size() == 4);
    test::require_machines_as_they_were(life);
  }
  SECTION("and not stopped when it has not") {
    life.command_status = 3;
    life.start();
    REQUIRE(life.run_until([&] { return !blocked_reason(life).empty(); }));
    CHECK(blocked_reason(life) == "machine_not_drained");
    CHECK(newest(life).message.find("ended with 3") != std::string::npos);
    CHECK(running(life) == 4);
    CHECK(life.network().count("POST management.azure.com") == 0);
  }
}

TEST_CASE("a life that ends while machines stand still goes on with them in the next") {
  LivingDaemon life(confidential_world());
  int const after_stops = GENERATE(0, 1, 4);
  life.start();
  REQUIRE(life.run_until([&] {
    auto const unfinished = life.store().unfinished_rotations().value();
    if (unfinished.empty()) return false;
    auto const stops = life.store().machine_stops(unfinished.front().id).value();
    auto const resting =
        std::ranges::count_if(stops, [](auto const& stop) { return stop.at_rest.has_value(); });
    return !stops.empty() && resting >= after_stops;
  }));
  life.crash();
  life.start();
  REQUIRE(life.run_until([&] { return done(life) == 1; }));
  CHECK(on_current(life));
  test::require_machines_as_they_were(life);
}

TEST_CASE("a request to stop a machine whose answer is lost leaves no machine stopped") {
  char const* const fate = GENERATE("reset-before", "reset-after", "refuse");
  char const* const path = GENERATE("*/deallocate*", "*/start*");
  LivingDaemon life(confidential_world());
  life.cloud().faults().add(test::fault(fate, arm, "POST", path));
  life.start();
  REQUIRE(life.run_until([&] { return done(life) == 1; }));
  CHECK(on_current(life));
  test::require_machines_as_they_were(life);
}

TEST_CASE("whoever abandons a rotation while machines stand still gets them back first") {
  LivingDaemon life(confidential_world());
  life.start();
  test::people(
      life, "/disk-encryption-sets",
      fmt::format(R"({{"id":"{}","act":"fail-change","code":"Conflict","message":"busy","times":3}})",
                  test::set_id("des")));
  REQUIRE(life.run_until([&] {
    return running(life) == 0 && life.daemon().abandon(newest(life).id, {"enough"}, "anna").has_value();
  }));
  REQUIRE(life.run_until([&] { return newest(life).state == RotationState::abandoned; }));
  test::require_machines_as_they_were(life);
  CHECK(newest(life).message.find("enough") != std::string::npos);
}

TEST_CASE(
    "a clock that is set while a machine goes down, and a replica that lags, leave no machine stopped") {
  LivingDaemon life(confidential_world({.rules = "{ stop: true, downtime_max: 20 minutes, at_once: 1 }"}));
  life.start();
  REQUIRE(life.run_until([&] { return machine_truth(life, "cvm-1").power == "deallocating"; }));
  sim::FaultRule lagging = test::fault("refuse", arm, "GET", "*/virtualmachines/*");
  lagging.kind = sim::FaultKind::lag;
  lagging.lag = 30s;
  lagging.times = 3;
  life.cloud().faults().add(lagging);
  life.set_machine_clock(40min);
  REQUIRE(life.run_until([&] { return newest(life).state == RotationState::blocked; }));
  life.run_for(std::chrono::hours(1));
  CHECK(blocked_reason(life) == "machine_does_not_stop");
  test::require_machines_as_they_were(life);
}

}  // namespace
}  // namespace rekeyd
