#include "tests/simulation/run.hpp"
#include "tests/simulation/scenario.hpp"
#include "tests/simulation/summary.hpp"
#include "tests/simulation/workers.hpp"

#include <catch2/catch.hpp>

#include <csignal>
#include <map>

namespace rekeyd::simulation {
namespace {

Scenario world(char const* name) {
  auto loaded = load_scenario(std::string(REKEYD_SOURCE_DIR "/tests/simulation/worlds/") + name + ".yaml");
  for (auto const& mistake : loaded ? std::vector<sim::Mistake>() : loaded.error())
    FAIL(sim::to_text(name, mistake));
  return *std::move(loaded);
}

void require_well(Outcome const& outcome) {
  std::string told;
  if (outcome.broken) told = describe(outcome, "");
  INFO(told);
  REQUIRE_FALSE(outcome.broken);
}

TEST_CASE("a few lives of the small world keep every invariant") {
  Scenario const small = world("small");
  std::uint64_t crashes = 0;
  std::uint64_t faults = 0;
  std::uint64_t checks = 0;
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    Outcome const outcome = live_through(small, {.seed = seed, .months = 3});
    require_well(outcome);
    crashes += outcome.crashes;
    faults += outcome.faults;
    checks += outcome.checks;
  }
  CHECK(crashes > 0);
  CHECK(faults > 0);
  CHECK(checks > 1000);
}

TEST_CASE("a month of the mixed world keeps every invariant") {
  require_well(live_through(world("mixed"), {.seed = 3, .months = 1}));
}

TEST_CASE("a few months of confidential machines keep every invariant") {
  Scenario const confidential = world("azure-confidential");
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    require_well(live_through(confidential, {.seed = seed, .months = 3}));
  }
}

TEST_CASE("a few months of keys that their providers rotate keep every invariant") {
  Scenario const delegate = world("delegate");
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    require_well(live_through(delegate, {.seed = seed, .months = 3}));
  }
}

TEST_CASE("the same seed lives the same life, byte for byte, and another seed another") {
  Scenario const small = world("small");
  Outcome const once = live_through(small, {.seed = 11, .months = 2, .whole_trace = true});
  Outcome const again = live_through(small, {.seed = 11, .months = 2, .whole_trace = true});
  REQUIRE(once.trace.size() > 10'000);
  CHECK((once.trace == again.trace));
  Outcome const other = live_through(small, {.seed = 12, .months = 2, .whole_trace = true});
  CHECK_FALSE((once.trace == other.trace));
}

TEST_CASE("a world file with mistakes tells them all") {
  CHECK_FALSE(load_scenario("/there/is/no/such/world.yaml"));
}

TEST_CASE("a seed whose process dies is broken, and the others are lived all the same") {
  std::map<std::uint64_t, bool> broken;
  auto const live = [](std::uint64_t seed) {
    if (seed == 5) ::raise(SIGKILL);
    if (seed == 6) throw std::runtime_error("no such thing");
    Outcome outcome;
    outcome.seed = seed;
    return outcome;
  };
  live_in_processes(1, 9, 2, live,
                    [&](Outcome const& outcome) { broken[outcome.seed] = outcome.broken.has_value(); });
  REQUIRE(broken.size() == 9);
  for (auto const& [seed, is_broken] : broken) CHECK(is_broken == (seed == 5 || seed == 6));
}

TEST_CASE("no life begins when the time is up") {
  int lives = 0;
  auto const live = [](std::uint64_t seed) {
    Outcome outcome;
    outcome.seed = seed;
    return outcome;
  };
  auto const heard = [&](Outcome const&) { ++lives; };
  live_in_processes(1, 9, 2, live, heard, std::chrono::steady_clock::now());
  CHECK(lives == 0);
  // The first life of a process outlasts the time: it is heard, and nothing is taken for a death.
  auto const until = std::chrono::steady_clock::now() + std::chrono::milliseconds(50);
  auto const long_life = [&](std::uint64_t seed) {
    while (std::chrono::steady_clock::now() < until) {
    }
    return live(seed);
  };
  auto const well = [&](Outcome const& outcome) {
    ++lives;
    CHECK_FALSE(outcome.broken);
  };
  live_in_processes(1, 9, 1, long_life, well, until);
  CHECK(lives <= 1);
}

TEST_CASE("an outcome survives its way from a worker to the parent") {
  Outcome outcome;
  outcome.seed = 18446744073709551615ULL;
  outcome.broken = {Invariant::restraint, "two at once, \"really\""};
  outcome.last_events = {"one", "two"};
  outcome.key_years = 2.5;
  outcome.crashes = 3;
  auto const back = parse_outcome(to_line(outcome));
  REQUIRE(back);
  CHECK(back->seed == outcome.seed);
  CHECK(back->broken->invariant == Invariant::restraint);
  CHECK(back->broken->sentence == outcome.broken->sentence);
  CHECK(back->last_events == outcome.last_events);
  CHECK(back->crashes == 3);
  CHECK_FALSE(parse_outcome("{\"begin\":1}"));
  CHECK_FALSE(parse_outcome("nonsense"));
}

TEST_CASE("the last line is what scripts read") {
  Summary summary;
  Outcome outcome;
  outcome.key_years = 30;
  outcome.crashes = 2;
  outcome.faults = 5;
  outcome.checks = 7;
  summary.add(outcome);
  outcome.broken = {Invariant::endings, ""};
  summary.add(outcome);
  CHECK(summary.line(std::chrono::seconds(9)) ==
        "simulation: 2 seeds, 60 key-years, 4 crashes, 10 faults, 14 invariant checks, 1 broken, 9 s");
}

}  // namespace
}  // namespace rekeyd::simulation
