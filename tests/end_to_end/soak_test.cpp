// rekeyd over real HTTPS and on a real disk is killed at random moments, again and again, while its clouds
// fail at random; after every kill and at each end the clouds, the files and the database are asked what
// became of it. A short one in every run of the tests; scripts/soak runs as many rounds as one likes.
#include "tests/end_to_end/site.hpp"
#include "tests/support/seeded_random.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>

namespace rekeyd::test {

namespace {

// Longer than any provider may take to show a version that it made.
constexpr auto longer_than_any_lag = std::chrono::minutes(25);
constexpr unsigned kills_an_organisation = 8;
constexpr std::size_t due_keys = 10;

std::uint64_t from_environment(char const* name, std::uint64_t otherwise) {
  char const* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): one thread
  return value == nullptr ? otherwise : std::stoull(value);
}

/// What the soak counts for its last line.
struct Tally {
  std::uint64_t kills{}, lives{}, rotations{}, faults{}, checks{};
};

class Soak {
 public:
  explicit Soak(std::uint64_t seed) : random_(seed) {}

  /// An organisation from its first day to the end of all its rotations, with so many kills on the way.
  void organisation(unsigned kills);
  Tally const& tally() const { return tally_; }

 private:
  std::uint64_t up_to(std::uint64_t most);
  void add_faults(Clouds& clouds);
  void live_and_die(Organisation& organisation);
  void check_after_kill(Organisation& organisation);
  void check_at_the_end(Organisation& organisation);

  SeededRandom random_;
  Tally tally_;
};

std::uint64_t Soak::up_to(std::uint64_t most) {
  std::uint64_t number{};
  random_.fill(std::as_writable_bytes(std::span(&number, 1)));
  return number % (most + 1);
}

WorldKeys two_due_keys_everywhere() {
  WorldKeys keys = one_due_key_everywhere(8);
  std::string const due = "created: 14 months ago, deks: 8";
  keys.payments.push_back("{ name: cmk-too, kty: RSA, size: 2048, " + due + " }");
  keys.treasury.push_back("{ name: hsm-aes, kty: oct-HSM, size: 256, rotation_policy: neutral, " + due +
                          " }");
  keys.orders.push_back("{ " + ibm_key("crk-too", 103) + ", " + due + " }");
  keys.dedicated.push_back("{ " + ibm_key("ded-too", 203) + ", " + due + " }");
  keys.legacy.push_back("{ " + ibm_key("hpcs-too", 303) + ", " + due + " }");
  return keys;
}

/// What the clouds do to the requests of one life.
void Soak::add_faults(Clouds& clouds) {
  constexpr std::array kinds{R"({"kind": "reset-after", "probability": 0.02})",
                             R"({"kind": "reset-before", "probability": 0.02})",
                             R"({"kind": "refuse", "status": 503, "probability": 0.02})",
                             R"({"kind": "refuse", "status": 429, "retry_after": "1", "probability": 0.01})",
                             R"({"kind": "truncate", "probability": 0.01})",
                             R"({"kind": "latency", "delay_ms": 200, "probability": 0.05})",
                             R"({"kind": "expired-token", "probability": 0.01})"};
  clouds.clear_faults();
  for (char const* const kind : kinds) {
    if (up_to(2) == 0) clouds.add_fault(kind);
  }
}

void Soak::live_and_die(Organisation& organisation) {
  Site& site = organisation.site;
  add_faults(organisation.clouds);
  auto const enough = organisation.clouds.requests() + up_to(160);
  site.start();
  ++tally_.lives;
  site.await("the clouds get enough requests, or all is done",
             [&] { return organisation.clouds.requests() >= enough || site.settled(); });
  site.kill();
  ++tally_.kills;
  tally_.faults += organisation.clouds.fault_hits();
  check_after_kill(organisation);
  organisation.let_pass(longer_than_any_lag);
}

/// What has to hold at every moment, whatever happened.
void Soak::check_after_kill(Organisation& organisation) {
  for (auto const& [key, count] : organisation.new_versions()) {
    INFO(key);
    REQUIRE(count == 1);
  }
  REQUIRE_THAT(organisation.unreadable_deks(), Catch::Equals(""));
  REQUIRE_THAT(organisation.amiss_with_history(), Catch::Equals(""));
  REQUIRE(organisation.site.text("PRAGMA integrity_check") == "ok");
  tally_.checks += 4;
}

void Soak::check_at_the_end(Organisation& organisation) {
  REQUIRE(organisation.new_versions().size() == due_keys);
  check_after_kill(organisation);
  REQUIRE_THAT(organisation.amiss_with_deks(), Catch::Equals(""));
  Site const& site = organisation.site;
  REQUIRE(site.number("SELECT count(*) FROM audit_rotations WHERE state = 'done'") == due_keys);
  REQUIRE(site.number("SELECT count(*) FROM audit_rotations WHERE state <> 'done'") == 0);
  REQUIRE(site.number("SELECT count(*) FROM audit_rotations WHERE new_version_made_by = 'rekeyd'") ==
          due_keys);
  tally_.rotations += due_keys;
  tally_.checks += 5;
}

void Soak::organisation(unsigned kills) {
  Organisation::Wanted wanted;
  wanted.keys = two_due_keys_everywhere();
  wanted.world_more = "latency_ms: 5\n";
  wanted.settings = [](SettingsText& settings) { settings.set_neutral_rotation_policy = true; };
  Organisation organisation(wanted);
  for (unsigned i = 0; i < kills; ++i) live_and_die(organisation);
  organisation.clouds.clear_faults();
  organisation.site.start();
  ++tally_.lives;
  organisation.site.await_settled(std::chrono::seconds(120));
  REQUIRE(organisation.site.stop() == 0);
  check_at_the_end(organisation);
}

}  // namespace

TEST_CASE(
    "rekeyd that is killed again and again, with clouds that fail, makes each version once and loses no "
    "DEK") {
  auto const rounds = from_environment("REKEYD_SOAK_ROUNDS", 6);
  auto const seed = from_environment("REKEYD_SOAK_SEED", std::random_device{}());
  INFO("scripts/soak --seed " << seed << " --rounds " << rounds);
  auto const begin = std::chrono::steady_clock::now();
  auto const seconds = [&] {
    return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - begin).count();
  };
  Soak soak(seed);
  fmt::print(stderr, "soak: seed {}\n", seed);
  while (soak.tally().kills < rounds) {
    auto const left = rounds - soak.tally().kills;
    soak.organisation(static_cast<unsigned>(std::min<std::uint64_t>(left, kills_an_organisation)));
    fmt::print(stderr, "soak: {} of {} kills, {} s\n", soak.tally().kills, rounds, seconds());
  }
  Tally const& tally = soak.tally();
  fmt::print("soak: seed {}, {} kills, {} lives, {} rotations, {} faults, {} checks, 0 broken, {} s\n", seed,
             tally.kills, tally.lives, tally.rotations, tally.faults, tally.checks, seconds());
}

}  // namespace rekeyd::test
