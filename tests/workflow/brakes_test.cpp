#include "tests/workflow/living_daemon.hpp"
#include "tests/workflow/small_world.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

namespace rekeyd {
namespace {

using namespace std::chrono_literals;
using test::days;
using test::done;
using test::LivingDaemon;
using test::opened;
using test::settle;

std::string every(char const* interval) {
  return std::string("version: 1\npolicies:\n  - { name: all, match: { key: \"*\" }, every: ") + interval +
         " }\n";
}

Result<daemon::ReleaseAnswer> release(LivingDaemon& life, std::optional<std::string> hold) {
  return life.daemon().release({.hold = std::move(hold), .reason = "looked at it"}, "uid 1000 (anna)");
}

/// The small world with so many overdue keys more in the one vault.
LivingDaemon::Files many_due(int keys) {
  LivingDaemon::Files files = test::small_world();
  std::string const fresh = "        - { name: cmk-fresh, created: 8 days ago }\n";
  auto const at = files.world_text.find(fresh);
  files.world_text.insert(
      at, "        - { name: \"many-{n}\", count: " + std::to_string(keys) + ", created: 14 months ago }\n");
  return files;
}

sim::FaultRule outage(char const* host, int times) {
  sim::FaultRule rule = test::fault("refuse", host, "POST", "*/create");
  rule.status = 503;
  rule.times = times;
  return rule;
}

TEST_CASE("an edit that makes too much due at once is held, over a restart too, until a person lets it go") {
  LivingDaemon life(test::small_world());
  settle(life).run_for(days(40));
  life.write_policies(every("1 month"));
  auto const answer = life.daemon().reload("uid 1000 (anna)");
  REQUIRE(answer);
  REQUIRE(answer->warnings.size() == 1);
  CHECK(answer->warnings.front() ==
        "this edit makes 5 of 5 keys due at once; none of them begins before `rekeyctl release "
        "too_many_due:policy:all`");
  CHECK(answer->counts == std::map<std::string, std::size_t>{{"waiting", 5}});

  life.run_for(days(3));
  CHECK(opened(life) == 3);
  Verdict const said = life.verdict(test::vault_key);
  CHECK(said.status == KeyStatus::waiting);
  CHECK(said.waits_for == WaitsFor::hold);
  CHECK(said.reason == "too_many_due");
  CHECK(life.hold("too_many_due:policy:all").due_by_policy == std::map<std::string, std::size_t>{{"all", 5}});

  life.crash();
  life.start();
  life.run_for(days(1));
  CHECK(opened(life) == 3);
  REQUIRE(life.held("too_many_due:policy:all"));

  auto const mistaken = release(life, "too_many_due:policy:al");
  REQUIRE_FALSE(mistaken);
  CHECK(mistaken.error().error_class == ErrorClass::not_found);
  CHECK(mistaken.error().remedy == "did you mean 'too_many_due:policy:all'?");
  auto const released = release(life, "too_many_due:policy:all");
  REQUIRE(released);
  CHECK(released->released.size() == 1);
  REQUIRE(life.run_until([&] { return done(life) == 8; }));
  auto const events = life.events(EventKind::hold_released);
  REQUIRE(events.size() == 1);
  CHECK(events[0].event.actor == "uid 1000 (anna)");
  CHECK(events[0].event.sentence == "released: looked at it");
  CHECK(life.events(EventKind::hold_placed).size() == 1);
  CHECK(release(life, std::nullopt)->released.empty());
}

TEST_CASE(
    "an edit that leaves many overdue keys to their provider is held, and goes at the pace of the caps") {
  LivingDaemon::Files files = test::small_world();
  std::string const fresh = "        - { name: cmk-fresh, created: 8 days ago }\n";
  files.world_text.insert(files.world_text.find(fresh),
                          "        - { name: \"many-{n}\", count: 9, created: 4 months ago }\n");
  LivingDaemon life(files);
  life.settings().rotations.per_hour = 3;
  settle(life).run_for(2h);
  auto const told = [&] {
    auto const events = life.events(EventKind::provider_rotation_set);
    return std::ranges::count(events, EventOutcome::ok,
                              [](auto const& recorded) { return recorded.event.outcome; });
  };
  life.write_policies(
      "version: 1\npolicies:\n  - { name: all, match: { key: \"many-*\" }, every: 3 months, mode: delegate "
      "}\n");
  REQUIRE(life.daemon().reload("uid 1000 (anna)"));
  REQUIRE(life.held("too_many_due:policy:all"));
  CHECK(life.hold("too_many_due:policy:all").due_by_policy == std::map<std::string, std::size_t>{{"all", 9}});
  life.run_for(days(2));
  CHECK(told() == 0);
  CHECK(opened(life) == 3);
  REQUIRE(release(life, "too_many_due:policy:all"));
  life.run_for(50min);
  CHECK(told() == 3);
  REQUIRE(life.run_until([&] { return told() == 9; }, days(1)));
  REQUIRE(life.run_until([&] { return done(life) == 12; }, days(3)));
}

TEST_CASE("an edit that is taken back takes its hold with it") {
  LivingDaemon life(test::small_world());
  settle(life).run_for(days(40));
  life.write_policies(every("1 month"));
  REQUIRE(life.daemon().reload("a test"));
  REQUIRE(life.held("too_many_due:policy:all"));
  life.write_policies(every("6 months"));
  REQUIRE(life.daemon().reload("a test"));
  CHECK_FALSE(life.held("too_many_due:policy:all"));
  auto const events = life.events(EventKind::hold_released);
  REQUIRE(events.size() == 1);
  CHECK(events[0].event.actor == "rekeyd");
  life.run_for(days(3));
  CHECK(opened(life) == 3);
}

TEST_CASE("an edit while the daemon is down is held at the start, a restart without one is not") {
  LivingDaemon life(test::small_world());
  settle(life).run_for(days(40));
  life.stop();
  life.start();
  life.run_for(1h);
  CHECK(life.daemon().status().holds.empty());
  life.stop();
  life.write_policies(every("1 month"));
  life.start();
  life.run_for(days(2));
  CHECK(life.held("too_many_due:policy:all"));
  CHECK(opened(life) == 3);
}

TEST_CASE("a backlog that grew by the calendar alone is no storm, however large") {
  LivingDaemon life(test::small_world());
  settle(life);
  life.stop();
  // Half a year without a daemon.
  life.set_machine_clock(days(200));
  test::LivingDaemon& later = life;
  later.start();
  later.network().machine_fast = 0s;
  CHECK(later.daemon().status().holds.empty());
  REQUIRE(later.run_until([&] { return done(later) == 8; }));
}

TEST_CASE("a first start that finds much due asks before it begins, a person may rotate one key meanwhile") {
  LivingDaemon life(many_due(6));
  life.start();
  REQUIRE(life.run_until([&] { return life.held("too_many_due:policy:all"); }));
  life.run_for(days(2));
  CHECK(opened(life) == 0);
  CHECK(life.hold("too_many_due:policy:all").due_by_policy.at("all") == 9);

  REQUIRE(life.daemon().rotate({.key = test::ibm_key, .reason = "a leaver"}, "uid 1000 (anna)", 1000));
  REQUIRE(life.run_until([&] { return done(life) == 1; }));
  life.crash();
  life.start();
  life.run_for(6h);
  CHECK(opened(life) == 1);
  REQUIRE(release(life, std::nullopt));
  REQUIRE(life.run_until([&] { return life.settled(); }));
  CHECK(done(life) == 9);
}

TEST_CASE("keys found at a first start are not begun before all providers were looked at, or tried") {
  LivingDaemon life(many_due(6));
  life.start();
  bool down = true;
  life.network().unreachable = [&](std::string const& host) { return down && host.starts_with("us-south"); };
  bool begun_too_early = false;
  REQUIRE(life.run_until([&] {
    begun_too_early = begun_too_early || opened(life) > 0;
    return life.held("too_many_due:policy:all");
  }));
  CHECK_FALSE(begun_too_early);
  CHECK(release(life, std::nullopt));
  REQUIRE(life.run_until([&] { return done(life) == 8; }));
  down = false;
  REQUIRE(life.run_until([&] { return done(life) == 9; }));
}

TEST_CASE("what is being worked on goes on while everything is held") {
  LivingDaemon life(test::small_world());
  life.start();
  REQUIRE(life.run_until([&] { return opened(life) == 3; }));
  life.set_machine_clock(days(365));
  REQUIRE(life.run_until([&] { return done(life) == 3; }, 1min));
  CHECK(life.held("clock_stepped"));
}

TEST_CASE("failures in a row open the circuit, a probe closes it, and it holds over restarts") {
  LivingDaemon::Files files = many_due(9);
  LivingDaemon life(files);
  life.settings().rotations.storm_hold.percent = 100;
  life.settings().rotations.in_flight = 1;
  for (config::ProviderSettings& provider : life.settings().providers) {
    provider.rotations.stop_after_failures = 3;
    provider.limits.tries = 1;
  }
  life.cloud().faults().add(outage("payments-eu.*", 1000));
  life.start();
  REQUIRE(life.run_until([&] { return life.held("circuit_open:provider:azure-prod"); }));
  auto const azure_opened = [&] {
    auto const events = life.events(EventKind::rotation_opened);
    return std::ranges::count_if(events, [](storage::RecordedEvent const& recorded) {
      return recorded.event.key->provider == ProviderName("azure-prod");
    });
  };
  CHECK(azure_opened() == 3);
  auto const hold = life.hold("circuit_open:provider:azure-prod");
  CHECK(hold.details.at("failures") == "3");
  CHECK(*hold.next_try - hold.since == 15min);
  auto const keys = life.daemon().keys();
  CHECK(std::ranges::count(keys, "circuit_open",
                           [](daemon::KeyReport const& key) { return key.verdict.reason; }) == 7);
  life.run_for(14min);
  CHECK(azure_opened() == 3);

  life.crash();
  life.start();
  REQUIRE(life.held("circuit_open:provider:azure-prod"));
  REQUIRE(life.run_until([&] { return azure_opened() == 4; }, 1h));
  life.run_for(10min);
  CHECK(azure_opened() == 4);  // One probe, and it has failed.
  CHECK(life.hold("circuit_open:provider:azure-prod").details.at("failed_probes") == "1");
  // The others were not stopped by it.
  CHECK(done(life) == 2);

  life.cloud().faults().clear();
  REQUIRE(life.run_until([&] { return life.settled(); }, days(2)));
  CHECK(life.daemon().status().holds.empty());
  CHECK(done(life) == 12);
}

TEST_CASE("failures are counted over restarts, and keys that are refused for themselves are not counted") {
  LivingDaemon life(many_due(9));
  life.settings().rotations.storm_hold.percent = 100;
  life.settings().rotations.in_flight = 1;
  for (config::ProviderSettings& provider : life.settings().providers) {
    provider.rotations.stop_after_failures = 4;
    provider.limits.tries = 1;
  }
  auto const failures = [&] { return life.events(EventKind::step_failed).size(); };
  SECTION("an outage in two lives") {
    life.cloud().faults().add(outage("payments-eu.*", 1000));
    life.start();
    REQUIRE(life.run_until([&] { return failures() >= 2; }));
    CHECK_FALSE(life.held("circuit_open:provider:azure-prod"));
    life.crash();
    life.start();
    REQUIRE(life.run_until([&] { return life.held("circuit_open:provider:azure-prod"); }));
    CHECK(life.hold("circuit_open:provider:azure-prod").details.at("failures") == "4");
  }
  SECTION("keys refused for themselves") {
    sim::FaultRule refused = test::fault("refuse", "payments-eu.*", "POST", "*/create");
    refused.status = 400;
    refused.times = 8;
    life.cloud().faults().add(refused);
    life.start();
    REQUIRE(life.run_until([&] { return failures() == 8; }));
    life.run_for(1h);
    CHECK(life.daemon().status().holds.empty());
  }
}

TEST_CASE("caps of one provider and of one policy hold besides the caps over all keys") {
  LivingDaemon::Files files = many_due(5);
  LivingDaemon life(files);
  life.settings().rotations.storm_hold.percent = 100;
  SECTION("rotations in an hour of a provider, over a restart") {
    for (config::ProviderSettings& provider : life.settings().providers) {
      if (provider.name == ProviderName("azure-prod")) provider.rotations.per_hour = 2;
    }
    life.start();
    REQUIRE(life.run_until([&] { return done(life) == 4; }));
    life.run_for(10min);
    life.crash();
    life.start();
    life.run_for(40min);
    CHECK(opened(life) == 4);
    auto const names = life.daemon().keys();
    auto const waits = std::ranges::count_if(
        names, [](daemon::KeyReport const& key) { return key.verdict.reason == "rotations_per_hour"; });
    CHECK(waits == 4);
    REQUIRE(life.run_until([&] { return done(life) == 8; }));
  }
  SECTION("rotations at once of a policy") {
    life.write_policies(
        "version: 1\npolicies:\n  - { name: all, match: { key: \"*\" }, every: 6 months, "
        "rotations: { in_flight: 2 } }\n");
    life.start();
    std::size_t most = 0;
    REQUIRE(life.run_until([&] {
      std::size_t const now = opened(life) - done(life);
      most = std::max(most, now);
      return done(life) == 8;
    }));
    CHECK(most == 2);
  }
}

}  // namespace
}  // namespace rekeyd
