// The machine's clock is wrong, is set, or jumps; a provider's is.
#include "daemon/provider_time.hpp"
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

char const* const rotate =
    "POST us-south.kms.cloud.ibm.com/api/v2/keys/0b0b0b0b-0000-4000-8000-000000000101/actions/rotate";

/// What IBM's next rotate makes is not seen at once.
void let_it_show_late(LivingDaemon& life) {
  sim::FaultRule lagging = test::fault("reset-before", "us-south.*", "POST", "*/actions/rotate");
  lagging.kind = sim::FaultKind::lag;
  lagging.lag = 50s;
  life.cloud().faults().add(lagging);
}

/// Until IBM has got the rotate request, whose answer is lost; whether it took effect depends on `fault`.
void live_until_a_request_of_unknown_fate(LivingDaemon& life, char const* fault) {
  life.cloud().faults().add(test::fault(fault, "us-south.*", "POST", "*/actions/rotate"));
  life.start();
  REQUIRE(life.run_until([&] { return life.network().count(rotate) == 1; }));
}

TEST_CASE(
    "a clock that jumps a year ahead rotates nothing, is noticed at once, and is let go once it is mended") {
  LivingDaemon life(test::small_world());
  settle(life);
  auto const before = life.events(EventKind::rotation_opened).size();
  life.set_machine_clock(days(365));
  Instant const then = life.clock().wall_now();
  REQUIRE(life.run_until([&] { return life.held("clock_stepped"); }));
  CHECK(life.clock().wall_now() == then);
  CHECK(life.hold("clock_stepped").sentence == "the machine's clock was set forward by 365 days");
  life.run_for(days(10));
  CHECK(opened(life) == before);
  CHECK(life.verdict(test::ibm_key).reason == "clock_stepped");

  life.set_machine_clock(-days(365));
  REQUIRE(life.run_until([&] { return life.daemon().status().holds.empty(); }, 10min));
  auto const events = life.events(EventKind::hold_released);
  REQUIRE(events.size() == 1);
  CHECK(events.front().event.actor == "rekeyd");
  CHECK(opened(life) == before);
}

TEST_CASE("a clock that is set ahead does not make a request older that may still be under way") {
  LivingDaemon life(test::small_world());
  let_it_show_late(life);
  live_until_a_request_of_unknown_fate(life, "reset-after");
  life.set_machine_clock(22h);
  REQUIRE(life.run_until([&] { return done(life) == 3; }));
  CHECK(life.network().count(rotate) == 1);
}

TEST_CASE("a rotation that rests goes on when the clock by which it rested is set back") {
  LivingDaemon life(test::small_world());
  test::refuse_rewraps(life);
  life.start();
  REQUIRE(life.run_until([&] { return opened(life) == 3; }));
  life.set_machine_clock(days(10));
  REQUIRE(life.run_until([&] { return !life.events(EventKind::step_failed).empty(); }));
  life.cloud().faults().clear();
  life.set_machine_clock(-days(10));  // its next try is a moment of the wrong clock
  REQUIRE(life.run_until([&] { return done(life) == 3; }, 2h));
}

TEST_CASE("a clock that is set back repeats nothing") {
  LivingDaemon life(test::small_world());
  settle(life);
  auto const keys = test::keys_at_clouds(life);
  life.set_machine_clock(-days(200));
  REQUIRE(life.run_until([&] { return life.held("clock_stepped"); }));
  life.run_for(days(20));
  CHECK(test::keys_at_clouds(life) == keys);
}

TEST_CASE("a setting of the clock that the providers confirm was its mending") {
  LivingDaemon life(test::small_world());
  life.set_machine_clock(-days(3));  // Wrong from the start,
  life.start();
  life.run_for(10min);
  CHECK(opened(life) == 0);
  CHECK(life.held("clock_disagrees"));
  life.set_machine_clock(days(3));  // and mended.
  REQUIRE(life.run_until([&] { return life.settled(); }));
  CHECK(life.daemon().status().holds.empty());
  CHECK(done(life) == 3);
}

TEST_CASE("a clock that stays wrong is asked about ever less often, and every minute again once it is set") {
  LivingDaemon life(test::small_world());
  life.settings().inventory_every = days(30);
  settle(life);
  life.set_machine_clock(days(3));
  REQUIRE(life.run_until([&] { return life.held("clock_stepped"); }));
  // One question a round is to IBM, whatever Azure's vaults and keys are asked meanwhile.
  auto const asked_within = [&life](std::chrono::seconds span) {
    std::string const question = "GET us-south.kms.cloud.ibm.com/api/v2/keys?";
    std::size_t const before = life.network().count(question);
    life.run_for(span);
    return life.network().count(question) - before;
  };
  std::size_t const at_first = asked_within(10min);
  CHECK(at_first >= 9);
  CHECK(at_first <= 11);
  life.run_for(24h);
  CHECK(asked_within(24h) == 24);
  life.set_machine_clock(-days(1));  // Still wrong.
  CHECK(asked_within(10min) >= 9);
  life.run_for(days(2));
  CHECK(life.held("clock_stepped"));
  life.set_machine_clock(-days(2));  // Mended.
  REQUIRE(life.run_until([&] { return life.daemon().status().holds.empty(); }, 3min));
}

TEST_CASE("corrections that are small one by one and large together hold") {
  LivingDaemon life(test::small_world());
  life.settings().inventory_every = days(30);  // No answer tells it.
  settle(life);
  life.set_machine_clock(4min);
  life.run_for(2h);
  CHECK(life.daemon().status().holds.empty());
  life.set_machine_clock(4min);
  REQUIRE(life.run_until([&] { return life.held("clock_disagrees"); }, 1s));
  life.set_machine_clock(-8min);
  REQUIRE(life.run_until([&] { return life.daemon().status().holds.empty(); }, 3min));
}

TEST_CASE("a small correction of the clock and a suspended machine are no steps") {
  LivingDaemon life(test::small_world());
  settle(life);
  life.set_machine_clock(4min);
  life.run_for(2h);
  life.set_machine_clock(-4min);
  life.clock().suspend(days(90));
  life.run_for(2h);
  CHECK(life.events(EventKind::hold_placed).empty());
  // What came due during the suspension begins when the machine wakes.
  life.clock().suspend(days(100));
  Instant const woken = life.clock().wall_now();
  REQUIRE(life.run_until([&] { return opened(life) > 3; }));
  CHECK(life.clock().wall_now() - woken < 1min);
}

TEST_CASE("one provider's bad Date holds that provider and no other, and ends with three good ones") {
  LivingDaemon life(test::small_world());
  life.start();
  bool off = true;
  life.network().date_off = [&](std::string const& host) {
    return off && host.starts_with("us-south") ? 1h : 0h;
  };
  REQUIRE(life.run_until([&] { return done(life) == 2; }));
  life.run_for(3h);
  CHECK(done(life) == 2);
  CHECK(life.verdict(test::ibm_key).reason == "clock_disagrees");
  CHECK(life.hold("clock_disagrees:provider:ibm-prod").sentence ==
        "the machine's clock is 60 minutes slow by what provider ibm-prod says");
  off = false;
  // Nothing tells of a provider's clock that was mended: it is heard of after a tenth of the time.
  REQUIRE(life.run_until([&] { return done(life) == 3; }, 30min));
  CHECK(life.daemon().status().holds.empty());
}

TEST_CASE("a clock that two providers contradict holds everything, and a person may accept it") {
  LivingDaemon life(test::small_world());
  life.set_machine_clock(2h);
  life.start();
  REQUIRE(life.run_until([&] { return life.held("clock_disagrees"); }));
  life.run_for(5h);
  CHECK(opened(life) == 0);
  REQUIRE(life.daemon().release({.hold = std::nullopt, .reason = "our clock is right"}, "uid 1000 (anna)"));
  REQUIRE(life.run_until([&] { return done(life) == 3; }));
  life.stop();
  life.start();
  life.run_for(5h);
  CHECK(life.daemon().status().holds.empty());
  // What was accepted is this difference, not any.
  life.set_machine_clock(1h);
  life.run_for(3h);
  CHECK_FALSE(life.daemon().status().holds.empty());
}

TEST_CASE("a start with a clock before the newest event of the history holds until providers settle it") {
  LivingDaemon life(test::small_world());
  settle(life);
  life.stop();
  life.set_machine_clock(-days(30));
  life.start();
  CHECK(life.held("clock_stepped"));
  life.run_for(days(2));
  CHECK(life.held("clock_stepped"));
  life.set_machine_clock(days(30));
  REQUIRE(life.run_until([&] { return life.daemon().status().holds.empty(); }, 1h));
  CHECK(done(life) == 3);
}

TEST_CASE("a new life knows how old a request of unknown fate is, however the clock was set meanwhile") {
  auto const set = GENERATE(as<std::chrono::seconds>(), 0h, 22h, -22h, 24h * 400);
  CAPTURE(set.count());
  LivingDaemon life(test::small_world());
  SECTION("one that took effect and shows late is waited for, and told as ours") {
    let_it_show_late(life);
    live_until_a_request_of_unknown_fate(life, "reset-after");
  }
  SECTION("one that took no effect is sent again as soon as it cannot arrive any more") {
    live_until_a_request_of_unknown_fate(life, "reset-before");
  }
  life.crash();
  life.set_machine_clock(set);
  life.start();
  REQUIRE(life.run_until([&] { return done(life) == 3; }, 20min));
  CHECK(test::keys_at_clouds(life).at(test::ibm_key).versions.size() == 2);
  auto const found = life.events(EventKind::version_found);
  CHECK(std::ranges::count(found, "rekeyd",
                           [](auto const& told) { return told.event.details.at("made_by"); }) == 3);
}

TEST_CASE("a provider's time is its own, and the machine's once it is no longer configured") {
  LivingDaemon life(test::small_world());
  settle(life);
  Instant const before = life.clock().wall_now();
  life.clock().step_wall(3h);
  ProviderName const configured("azure-prod");
  CHECK(std::chrono::abs(daemon::provider_now(life.world(), configured) - before) < 1h);
  life.world().providers.erase(configured);
  CHECK(daemon::provider_now(life.world(), configured) == life.clock().wall_now());
}

}  // namespace
}  // namespace rekeyd
