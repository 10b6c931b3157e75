#include "policy/brakes.hpp"

#include "tests/policy/key_maker.hpp"

#include <catch2/catch.hpp>

namespace rekeyd {
namespace {

using namespace std::chrono_literals;
using test::at;

Instant const now = at("2026-04-01T00:00:00Z");

BrakeFacts none() { return {.holds = {}, .clock_checked = true, .caps = {}}; }

Hold hold_of(HoldKind kind, BrakeScope scope = {}) {
  Hold hold;
  hold.kind = kind;
  hold.scope = std::move(scope);
  hold.placed = now - 10min;
  hold.sentence = "something was seen";
  return hold;
}

CapUse cap(BrakeScope scope) {
  CapUse use;
  use.scope = std::move(scope);
  return use;
}

TEST_CASE("without a brake nothing is braked") { CHECK_FALSE(braked(none(), now)); }

TEST_CASE("each brake says what it waits for, why, and until when") {
  BrakeFacts facts = none();
  SECTION("a hold") {
    facts.holds = {hold_of(HoldKind::too_many_due, BrakeScope::of(PolicyName("payments")))};
    auto const said = braked(facts, now).value();
    CHECK(said.waits_for == WaitsFor::hold);
    CHECK(said.reason == "too_many_due");
    CHECK(said.sentence == "something was seen; `rekeyctl release too_many_due:policy:payments` lets it go");
    CHECK_FALSE(said.next_try);
  }
  SECTION("a provider that has not told its time") {
    facts.clock_checked = false;
    auto const said = braked(facts, now).value();
    CHECK(said.waits_for == WaitsFor::provider_answer);
    CHECK(said.reason == "clock_unchecked");
  }
  SECTION("the latest of the hours that are used up") {
    facts.caps = {cap({}), cap(BrakeScope::of(ProviderName("azure-prod"))),
                  cap(BrakeScope::of(PolicyName("p")))};
    facts.caps[1].hour_free_at = now + 20min;
    facts.caps[2].hour_free_at = now + 10min;
    auto const said = braked(facts, now).value();
    CHECK(said.waits_for == WaitsFor::quota);
    CHECK(said.reason == "rotations_per_hour");
    CHECK(said.next_try == now + 20min);
    CHECK(said.sentence.find("of provider azure-prod") != std::string::npos);
    CHECK_FALSE(braked(facts, now + 20min));
  }
  SECTION("no place among the rotations at once") {
    facts.caps = {cap({})};
    facts.caps[0].in_flight_max = 2;
    facts.caps[0].in_flight = 1;
    CHECK_FALSE(braked(facts, now));
    CHECK_FALSE(in_flight_full(facts));
    facts.caps[0].in_flight = 2;
    CHECK(braked(facts, now).value().reason == "rotations_in_flight");
    CHECK(in_flight_full(facts));
  }
}

TEST_CASE("the weightiest hold is told first, whatever their order") {
  BrakeFacts facts = none();
  facts.clock_checked = false;
  facts.holds = {hold_of(HoldKind::circuit_open), hold_of(HoldKind::too_many_due),
                 hold_of(HoldKind::clock_disagrees), hold_of(HoldKind::clock_stepped)};
  for (char const* reason : {"clock_stepped", "clock_disagrees", "too_many_due", "circuit_open"}) {
    CHECK(braked(facts, now).value().reason == reason);
    facts.holds.pop_back();
  }
  CHECK(braked(facts, now).value().reason == "clock_unchecked");
}

TEST_CASE("an open circuit lets one through when its time has come, and none while that one is under way") {
  BrakeFacts facts = none();
  facts.holds = {hold_of(HoldKind::circuit_open)};
  facts.holds[0].next_try = now + 1s;
  CHECK(braked(facts, now).value().next_try == now + 1s);
  CHECK_FALSE(braked(facts, now + 1s));
  facts.holds[0].next_try.reset();
  CHECK(braked(facts, now + 24h));
  // Another hold is not opened by the circuit's half-open state.
  facts.holds[0].next_try = now;
  facts.holds.push_back(hold_of(HoldKind::too_many_due));
  CHECK(braked(facts, now).value().reason == "too_many_due");
}

TEST_CASE("a hold covers what its scope names and nothing else") {
  ProviderName const azure("azure-prod"), ibm("ibm-prod");
  PolicyName const payments("payments");
  CHECK(BrakeScope::everything().covers(azure, {}));
  CHECK(BrakeScope::of(azure).covers(azure, payments));
  CHECK_FALSE(BrakeScope::of(azure).covers(ibm, payments));
  CHECK(BrakeScope::of(payments).covers(ibm, payments));
  CHECK_FALSE(BrakeScope::of(payments).covers(ibm, PolicyName("others")));
  CHECK(hold_of(HoldKind::clock_stepped).name() == "clock_stepped");
  CHECK(hold_of(HoldKind::circuit_open, BrakeScope::of(azure)).name() == "circuit_open:provider:azure-prod");
}

TEST_CASE("what says that a provider or our way of rotating is ill counts, what concerns one key does not") {
  using enum ErrorClass;
  for (ErrorClass const each : {transient, access, malformed}) {
    CHECK(counts_as_failure(each, false));
    CHECK(counts_as_failure(each, true));
  }
  for (ErrorClass const each : {permanent, not_found, conflict}) {
    CHECK_FALSE(counts_as_failure(each, false));
    CHECK(counts_as_failure(each, true));
  }
  for (ErrorClass const each : {storage, cancelled}) CHECK_FALSE(counts_as_failure(each, true));
}

TEST_CASE("a probe that a clock has put off which is set back since is due") {
  BrakeFacts facts = none();
  facts.holds = {hold_of(HoldKind::circuit_open)};
  facts.holds[0].next_try = now + 4h;
  CHECK(braked(facts, now));
  facts.holds[0].next_try = now + 240h;
  CHECK_FALSE(braked(facts, now));
}

TEST_CASE("the circuit stays open longer with each probe that fails, four hours at most") {
  CHECK(probe_delay(0) == 15min);
  CHECK(probe_delay(1) == 30min);
  CHECK(probe_delay(4) == 4h);
  CHECK(probe_delay(4'000'000'000U) == 4h);
}

TEST_CASE("a storm is more than its share of the fleet and at least its number of keys") {
  StormLimit const limit{.percent = 20, .keys = 5};
  CHECK_FALSE(is_storm(0, 0, limit));
  CHECK_FALSE(is_storm(4, 4, limit));
  CHECK(is_storm(5, 5, limit));
  CHECK_FALSE(is_storm(20, 100, limit));
  CHECK(is_storm(21, 100, limit));
  CHECK_FALSE(is_storm(100, 100, {.percent = 100, .keys = 1}));
}

TEST_CASE("clocks disagree beyond five minutes and what is uncertain of the readings") {
  CHECK_FALSE(clocks_disagree(5min, 0s));
  CHECK(clocks_disagree(5min + 1s, 0s));
  CHECK(clocks_disagree(-5min - 1s, 0s));
  CHECK_FALSE(clocks_disagree(5min + 1s, 1s));
}

}  // namespace
}  // namespace rekeyd
