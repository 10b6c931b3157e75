#include "tests/simulator/envelope.hpp"
#include "tests/workflow/behind_our_back.hpp"
#include "tests/workflow/living_daemon.hpp"
#include "tests/workflow/small_world.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>

namespace rekeyd {
namespace {

using test::LivingDaemon;

constexpr auto a_day = std::chrono::hours(24);
constexpr char const* vault_host = "payments-eu.vault.azure.net";

void live_until_settled(LivingDaemon& life) {
  life.start();
  REQUIRE(life.run_until([&] { return life.settled(); }));
}

std::string last_drift(LivingDaemon& life) {
  auto const events = life.events(EventKind::drift);
  return events.empty() ? "" : events.back().event.sentence;
}

TEST_CASE("a rotation by someone else is drift, resets the cadence, and its dependants follow") {
  LivingDaemon life(test::small_world());
  life.start();
  REQUIRE(life.run_until([&] { return life.settled(); }));
  life.run_for(std::chrono::hours(24 * 30));
  auto const due = life.verdict(test::ibm_key).due;
  test::act_at_ibm(life, "rotate", test::ibm_key);
  REQUIRE(life.run_until([&] { return life.events(EventKind::rotation_done).size() == 4; }));
  CHECK(life.events(EventKind::drift).size() == 1);
  CHECK(*life.verdict(test::ibm_key).due > *due + std::chrono::hours(24 * 28));
  CHECK(test::keys_at_clouds(life).at(test::ibm_key).versions.size() == 3);
  test::require_deks_on_current_versions(life);
  auto const versions = life.store().versions(KeyRef::parse(test::ibm_key).value());
  REQUIRE(versions);
  CHECK(versions->back().made_by == MadeBy::other);
}

TEST_CASE(
    "a rotation by someone else a moment before the key is due makes ours pointless, once, and is followed") {
  LivingDaemon life(test::small_world());
  live_until_settled(life);
  Instant const due = *life.verdict(test::ibm_key).due;
  life.run_for(due - std::chrono::seconds(30) - life.clock().wall_now());
  test::act_at_ibm(life, "rotate", test::ibm_key);
  life.run_for(std::chrono::minutes(10));
  auto const abandoned = life.events(EventKind::rotation_abandoned);
  REQUIRE(abandoned.size() == 1);
  CHECK(abandoned.front().event.key->text() == test::ibm_key);
  CHECK(life.events(EventKind::drift).size() == 1);
  CHECK(life.verdict(test::ibm_key).status == KeyStatus::ready);
  CHECK(*life.verdict(test::ibm_key).due > due + std::chrono::hours(24 * 28));
  CHECK(test::keys_at_clouds(life).at(test::ibm_key).versions.size() == 3);
  CHECK(test::keys_on_record(life) == test::keys_at_clouds(life));
  test::require_versions_told_once(life);
  test::require_deks_on_current_versions(life);
}

TEST_CASE("a key that someone disables and enables again is drift both times and keeps its date") {
  LivingDaemon life(test::small_world());
  live_until_settled(life);
  auto const due = life.verdict(test::ibm_key).due;
  test::act_at_ibm(life, "disable", test::ibm_key);
  life.run_for(a_day);
  CHECK(last_drift(life) == "someone made the key suspended; it was active");
  test::act_at_ibm(life, "enable", test::ibm_key);
  life.run_for(a_day);
  CHECK(last_drift(life) == "someone made the key active; it was suspended");
  CHECK(life.verdict(test::ibm_key).due == due);
  CHECK(life.verdict(test::ibm_key).status == KeyStatus::ready);
}

TEST_CASE("a disabled key whose date comes is blocked, alone, and rotated once it is enabled") {
  LivingDaemon life(test::small_world());
  live_until_settled(life);
  test::act_at_ibm(life, "disable", test::ibm_key);
  life.run_for(a_day * 200);
  CHECK(life.verdict(test::ibm_key).status == KeyStatus::blocked);
  CHECK(life.verdict(test::ibm_key).reason == "key_suspended");
  CHECK(life.verdict(test::hsm_key).status == KeyStatus::ready);
  test::act_at_ibm(life, "enable", test::ibm_key);
  REQUIRE(life.run_until([&] { return life.verdict(test::ibm_key).status == KeyStatus::ready; }, a_day * 2));
  test::require_deks_on_current_versions(life);
}

TEST_CASE("a version that someone made before disabling the key is followed once the key is enabled") {
  LivingDaemon life(test::small_world());
  live_until_settled(life);
  auto const drifts = [&life] {
    auto const opened = life.events(EventKind::rotation_opened);
    return std::ranges::count_if(opened, [](storage::RecordedEvent const& each) {
      return each.event.details.at("trigger") == "drift";
    });
  };
  life.run_for(std::chrono::hours(2));  // One rotation an hour, whoever's it is.
  test::act_at_ibm(life, "rotate", test::ibm_key);
  test::act_at_ibm(life, "disable", test::ibm_key);
  life.run_for(a_day);
  CHECK(drifts() == 0);
  test::act_at_ibm(life, "enable", test::ibm_key);
  life.run_for(a_day);
  CHECK(drifts() == 1);
  test::require_deks_on_current_versions(life);
  test::act_at_ibm(life, "disable", test::ibm_key);
  life.run_for(a_day);
  test::act_at_ibm(life, "enable", test::ibm_key);
  life.run_for(a_day);
  CHECK(drifts() == 1);
}

TEST_CASE("a key that someone deletes and restores at Key Protect is drift both times") {
  LivingDaemon life(test::small_world());
  live_until_settled(life);
  test::delete_at_ibm(life, test::ibm_key);
  life.run_for(a_day);
  CHECK(last_drift(life) == "someone made the key destroyed; it was active");
  CHECK(life.verdict(test::ibm_key).reason == "destroyed");
  test::act_at_ibm(life, "restore", test::ibm_key);
  life.run_for(a_day);
  CHECK(last_drift(life) == "someone made the key active; it was destroyed");
  CHECK(life.verdict(test::ibm_key).status == KeyStatus::ready);
  test::require_deks_on_current_versions(life);
}

TEST_CASE("a key that someone deletes at Key Vault is told of as gone, and as drift when it is recovered") {
  LivingDaemon life(test::small_world());
  live_until_settled(life);
  test::act_at_azure(life, "DELETE", vault_host, "/keys/cmk-ledger");
  life.run_for(a_day);
  CHECK(life.events(EventKind::key_gone).size() == 1);
  CHECK(life.verdict(test::vault_key).reason == "gone");
  test::act_at_azure(life, "POST", vault_host, "/deletedkeys/cmk-ledger/recover");
  life.run_for(a_day);
  CHECK(last_drift(life) == "the provider lists the key again: someone restored it");
  CHECK(life.verdict(test::vault_key).status == KeyStatus::ready);
  test::require_versions_told_once(life);
  test::require_deks_on_current_versions(life);
}

TEST_CASE("a rotation by someone else at Key Vault is followed by the wrapped DEKs") {
  LivingDaemon life(test::small_world());
  live_until_settled(life);
  life.run_for(a_day * 40);
  test::act_at_azure(life, "POST", vault_host, "/keys/cmk-ledger/rotate");
  REQUIRE(life.run_until([&] { return life.events(EventKind::rotation_done).size() == 4; }));
  CHECK(life.events(EventKind::drift).size() == 1);
  test::require_deks_on_current_versions(life);
}

/// A person asks for another rotation of the vault key, which runs until `step` is intended.
void begin_second_rotation(LivingDaemon& life, std::string const& step) {
  REQUIRE(life.daemon().rotate({.key = test::vault_key, .reason = "a second one"}, "anna", 0));
  auto const intended = [&] {
    int count = 0;
    for (auto const& recorded : life.events(EventKind::step_intended)) {
      if (recorded.event.key->text() == test::vault_key && recorded.event.step == step) ++count;
    }
    return count == 2;
  };
  REQUIRE(life.run_until(intended));
}

/// So many reads of the vault key are answered by a replica that is hours behind.
void lag_behind(LivingDaemon& life, char const* path, std::uint64_t reads) {
  sim::FaultRule stale = test::fault("truncate", vault_host, "GET", path);
  stale.kind = sim::FaultKind::lag;
  stale.lag = std::chrono::hours(6);
  stale.times = reads;
  life.cloud().faults().add(stale);
}

TEST_CASE("a replica that lags neither makes a rotation pointless nor sends wrapped DEKs back") {
  std::string const step = GENERATE("claim", "verify");
  CAPTURE(step);
  LivingDaemon life(test::small_world());
  live_until_settled(life);
  if (step == "verify") life.run_for(a_day);
  begin_second_rotation(life, step);
  lag_behind(life, "/keys/cmk-ledger*", 3);
  life.run_for(a_day);
  CHECK(life.events(EventKind::rotation_done).size() == 4);
  CHECK(life.events(EventKind::rotation_abandoned).empty());
  CHECK(life.events(EventKind::drift).empty());
  // Once by each rotation: what has moved has not been moved to and fro.
  int batches = 0;
  for (auto const& recorded : life.events(EventKind::deks_rewrapped)) {
    if (recorded.event.key->text() == test::vault_key) ++batches;
  }
  CHECK(batches == 2);
  CHECK(test::keys_at_clouds(life).at(test::vault_key).versions.size() == 4);
  CHECK(test::keys_on_record(life) == test::keys_at_clouds(life));
  test::require_versions_told_once(life);
  test::require_deks_on_current_versions(life);
}

TEST_CASE("two replicas of which one lags do not hide that someone else has rotated a key") {
  LivingDaemon life(test::small_world());
  live_until_settled(life);
  life.run_for(a_day * 40);
  test::act_at_azure(life, "POST", vault_host, "/keys/cmk-ledger/rotate");
  lag_behind(life, "/keys/cmk-ledger", 1);
  life.run_for(a_day);
  CHECK(life.events(EventKind::drift).size() == 1);
  CHECK(life.events(EventKind::rotation_done).size() == 4);
  CHECK(test::keys_on_record(life) == test::keys_at_clouds(life));
  test::require_deks_on_current_versions(life);
}

TEST_CASE("a rotation by someone else before, during or after ours is told once and followed") {
  std::string const step = GENERATE("claim", "preflight", "propagate", "verify");
  CAPTURE(step);
  LivingDaemon life(test::small_world());
  live_until_settled(life);
  begin_second_rotation(life, step);
  test::act_at_azure(life, "POST", vault_host, "/keys/cmk-ledger/rotate");
  life.run_for(a_day);
  test::require_versions_told_once(life);
  test::require_deks_on_current_versions(life);
  CHECK(test::keys_on_record(life) == test::keys_at_clouds(life));
  CHECK(life.events(EventKind::drift).size() == 1);
  // After the claim it takes the place of ours; before, the person who asked gets one more.
  std::size_t const versions = step == "preflight" ? 4 : 5;
  CHECK(test::keys_at_clouds(life).at(test::vault_key).versions.size() == versions);
}

TEST_CASE("a rotation by someone else while IBM re-wraps for ours is where the wrapped DEKs go") {
  LivingDaemon life(test::small_world());
  test::refuse_rewraps(life);
  life.start();
  auto const resting = [&] {
    auto const failed = life.events(EventKind::step_failed);
    return !failed.empty() && failed.back().event.step == "propagate";
  };
  REQUIRE(life.run_until(resting));
  life.cloud().faults().clear();
  life.clock().advance(std::chrono::hours(2));  // Key Protect's hour is over before its next try
  test::act_at_ibm(life, "rotate", test::ibm_key);
  REQUIRE(life.run_until([&] { return life.verdict(test::ibm_key).status == KeyStatus::ready; }));
  test::require_versions_told_once(life);
  test::require_deks_on_current_versions(life);
  CHECK(life.events(EventKind::rotation_blocked).empty());
  CHECK(life.events(EventKind::drift).size() == 1);
}

TEST_CASE("a reading that a whole rotation has overtaken takes nothing back") {
  LivingDaemon life(test::small_world());
  live_until_settled(life);
  life.run_for(a_day / 2);
  sim::FaultRule slow = test::fault("reset-before", "us-south.*", "GET", "*0101/metadata");
  slow.kind = sim::FaultKind::latency;
  slow.delay = std::chrono::seconds(20);
  life.cloud().faults().add(slow);
  // Half of the reading is of before the rotation, the other half of after.
  std::string const metadata =
      "GET us-south.kms.cloud.ibm.com/api/v2/keys/0b0b0b0b-0000-4000-8000-000000000101/metadata";
  auto const before = life.network().count(metadata);
  REQUIRE(life.run_until([&] { return life.network().count(metadata) > before; }, a_day * 2));
  REQUIRE(life.daemon().rotate({.key = test::ibm_key, .reason = "now"}, "anna", 0));
  REQUIRE(life.run_until([&] { return life.events(EventKind::rotation_done).size() == 4; },
                         std::chrono::seconds(10)));
  life.run_for(std::chrono::minutes(1));
  CHECK(test::keys_on_record(life) == test::keys_at_clouds(life));
}

/// One more wrapped DEK of the vault key, which nobody can unwrap. Its file.
std::filesystem::path add_unreadable_dek(LivingDaemon& life) {
  sim::Envelope envelope = life.cloud().deks().front().envelope;
  for (sim::SeededDek const& dek : life.cloud().deks()) {
    if (dek.envelope.key == "cmk-ledger") envelope = dek.envelope;
  }
  envelope.wdek.replace(0, 8, "AAAAAAAA");
  auto const folder = life.settings().dek_stores.front().path;
  std::filesystem::path const file = folder / "unreadable.json";
  std::ofstream(file) << boost::json::serialize(sim::to_json(envelope));
  return file;
}

TEST_CASE("a rotation by someone else is on record while ours is blocked, and followed when ours goes on") {
  LivingDaemon life(test::small_world());
  std::filesystem::path const unreadable = add_unreadable_dek(life);
  life.start();
  auto const blocked = [&] { return life.verdict(test::vault_key).status == KeyStatus::blocked; };
  REQUIRE(life.run_until([&] { return life.daemon().keys().size() == 5 && blocked(); }));
  life.run_for(std::chrono::minutes(1));  // a listing tells versions apart by the second of their making
  test::act_at_azure(life, "POST", vault_host, "/keys/cmk-ledger/rotate");
  life.run_for(a_day);
  CHECK(blocked());
  test::require_versions_told_once(life);
  CHECK(life.events(EventKind::drift).size() == 1);

  std::filesystem::remove(unreadable);
  auto const rotation = life.events(EventKind::rotation_blocked).front().event.rotation;
  REQUIRE(life.daemon().retry(*rotation, "anna"));
  REQUIRE(life.run_until([&] { return life.verdict(test::vault_key).status == KeyStatus::ready; }));
  test::require_deks_on_current_versions(life);
  CHECK(test::keys_on_record(life) == test::keys_at_clouds(life));
  CHECK(life.events(EventKind::rotation_done).size() == 3);
}

}  // namespace
}  // namespace rekeyd
