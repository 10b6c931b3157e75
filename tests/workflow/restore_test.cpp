// A database from a backup meets a newer world: what it says is believed only after the provider was read.
#include "storage/restore.hpp"

#include "tests/workflow/behind_our_back.hpp"
#include "tests/workflow/living_daemon.hpp"
#include "tests/workflow/small_world.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <vector>

namespace rekeyd {
namespace {

using test::LivingDaemon;

std::filesystem::path backup_of(LivingDaemon& life) { return life.folder() / "copy.db"; }

void take_backup(LivingDaemon& life) {
  auto const made = storage::back_up(life.database(), backup_of(life), true);
  if (!made) FAIL(to_text(made.error()));
}

constexpr char const* observing = R"(version: 1
policies:
  - { name: all, match: { key: "*" }, every: 6 months, mode: observe }
)";

/// A life that has seen every key and rotated none; its database is in the backup. Then the next life begins,
/// under the policies of the small world.
void back_up_before_rotations(LivingDaemon& life) {
  life.write_policies(observing);
  life.start();
  REQUIRE(life.run_until([&] { return life.events(EventKind::key_found).size() == 5; }));
  life.run_for(std::chrono::seconds(60));
  take_backup(life);
  life.stop();
  life.write_policies(test::small_world().policies);
  life.start();
}

bool told_of_restore(LivingDaemon& life) {
  return std::ranges::any_of(life.daemon().status().warnings, [](std::string const& each) {
    return each.find("restored from a backup") != std::string::npos;
  });
}

bool rotated_once(LivingDaemon& life) {
  return life.settled() && life.events(EventKind::rotation_done).size() == 3;
}

/// Ends the life and puts the backup in the database's place.
void restore_backup(LivingDaemon& life) {
  Instant const now = life.clock().wall_now();
  life.crash();
  auto const done = storage::restore(
      {.backup = backup_of(life), .database = life.database(), .by = "uid 0 (root)", .now = now});
  if (!done) FAIL(to_text(done.error()));
}

bool all_done(LivingDaemon& life) {
  return life.settled() && life.store().unfinished_rotations().value().empty();
}

/// The end that every test has: nothing doubled, everything readable and current, everything on record.
void require_whole(LivingDaemon& life, std::map<std::string, test::CloudKey> const& keys) {
  REQUIRE(life.run_until([&] { return all_done(life); }));
  life.run_for(std::chrono::hours(3));
  CHECK(test::keys_at_clouds(life) == keys);
  CHECK(test::keys_on_record(life) == keys);
  test::require_deks_on_current_versions(life);
  life.stop();
  test::require_sound_history(life.database());
}

/// Versions that the history tells as found more than once.
std::vector<std::string> told_twice(LivingDaemon& life) {
  std::map<std::string, int> told;
  std::vector<std::string> twice;
  for (storage::RecordedEvent const& each : life.events(EventKind::version_found)) {
    std::string const version = each.event.key->text() + " " + each.event.version->str();
    if (++told[version] == 2) twice.push_back(version);
  }
  return twice;
}

MadeBy maker(LivingDaemon& life, char const* key, std::string const& version) {
  auto const versions = life.store().versions(*KeyRef::parse(key));
  REQUIRE(versions);
  for (storage::StoredVersion const& each : *versions) {
    if (each.version.id.str() == version) return each.made_by;
  }
  FAIL("no version " << version);
  return {};
}

TEST_CASE("rotations that the backup does not know are not made again") {
  LivingDaemon life(test::small_world());
  back_up_before_rotations(life);
  REQUIRE(
      life.run_until([&] { return life.settled() && life.events(EventKind::rotation_done).size() == 3; }));
  auto const keys = test::keys_at_clouds(life);
  restore_backup(life);
  life.start();
  for (daemon::KeyReport const& key : life.daemon().keys()) {
    CHECK(key.verdict.status == KeyStatus::unknown);
    CHECK(key.verdict.reason == "database_restored");
  }
  CHECK(told_of_restore(life));
  REQUIRE(life.run_until([&] { return all_done(life); }));
  CHECK(maker(life, test::vault_key, keys.at(test::vault_key).current) == MadeBy::rekeyd);
  CHECK(maker(life, test::ibm_key, keys.at(test::ibm_key).current) == MadeBy::unknown);
  CHECK(told_twice(life) == std::vector<std::string>());
  CHECK_FALSE(told_of_restore(life));
  require_whole(life, keys);
}

TEST_CASE("a rotation that was open in the backup takes over the version it made afterwards") {
  // Backups at many moments of the work: before, between and after each step of each key.
  int backups = 0;
  for (int handlers = 20; handlers < 1200; handlers += 37) {
    INFO("backup after " << handlers << " handlers");
    LivingDaemon life(test::small_world());
    life.start();
    for (int i = 0; i < handlers; ++i) {
      if (!life.step()) break;
    }
    if (life.events(EventKind::rotation_done).size() == 3) break;
    ++backups;
    take_backup(life);
    REQUIRE(
        life.run_until([&] { return life.settled() && life.events(EventKind::rotation_done).size() == 3; }));
    auto const keys = test::keys_at_clouds(life);
    restore_backup(life);
    life.start();
    REQUIRE(life.run_until([&] { return all_done(life); }));
    CHECK(told_twice(life) == std::vector<std::string>());
    require_whole(life, keys);
  }
  CHECK(backups > 5);
}

TEST_CASE("wrapped DEKs on a newer version than the backup's rotation had in hand are not moved back") {
  LivingDaemon life(test::small_world());
  life.start();
  REQUIRE(life.run_until([&] {
    auto const open = life.store().unfinished_rotations();
    return std::ranges::any_of(open.value(), [](Rotation const& each) {
      return each.key.text() == test::ibm_key && each.step == Step::propagate;
    });
  }));
  take_backup(life);
  REQUIRE(
      life.run_until([&] { return life.settled() && life.events(EventKind::rotation_done).size() == 3; }));
  life.run_for(std::chrono::hours(2));
  test::act_at_ibm(life, "rotate", test::ibm_key);
  REQUIRE(life.run_until([&] { return life.events(EventKind::rotation_done).size() == 4; }));
  auto const keys = test::keys_at_clouds(life);
  restore_backup(life);
  life.start();
  REQUIRE(life.run_until([&] { return all_done(life); }));
  // All were there already.
  for (storage::RecordedEvent const& moved : life.events(EventKind::deks_rewrapped)) {
    if (moved.event.key->text() == test::ibm_key)
      CHECK(moved.event.version->str() == keys.at(test::ibm_key).current);
  }
  require_whole(life, keys);
}

TEST_CASE("a request of the lost life that shows up late is waited for") {
  LivingDaemon life(test::small_world());
  back_up_before_rotations(life);
  sim::FaultRule late = test::fault("reset-after", "us-south.*", "POST", "*/actions/rotate");
  late.kind = sim::FaultKind::lag;
  late.lag = std::chrono::seconds(50);
  late.times.reset();
  life.cloud().faults().add(late);
  // The request takes effect, and the life ends before anything of it is safe elsewhere.
  auto const versions = [&] { return test::keys_at_clouds(life).at(test::ibm_key).versions.size(); };
  REQUIRE(life.run_until([&] { return versions() == 2; }));
  restore_backup(life);
  life.start();
  life.run_for(std::chrono::seconds(30));
  CHECK(life.verdict(test::ibm_key).reason == "database_restored");
  REQUIRE(life.run_until([&] { return rotated_once(life) || versions() > 2; }, std::chrono::hours(24)));
  REQUIRE(life.run_until([&] { return all_done(life); }));
  life.run_for(std::chrono::hours(3));
  CHECK(versions() == 2);
  test::require_deks_on_current_versions(life);
}

TEST_CASE("a provider that cannot be reached after a restore holds its keys, and nobody else's") {
  LivingDaemon life(test::small_world());
  back_up_before_rotations(life);
  restore_backup(life);
  sim::FaultRule outage = test::fault("refuse", "us-south.kms.cloud.ibm.com", "*", "*");
  outage.status = 503;
  outage.times.reset();
  life.cloud().faults().add(outage);
  life.start();
  REQUIRE(life.run_until([&] { return life.events(EventKind::rotation_done).size() == 2; }));
  CHECK(life.verdict(test::ibm_key).reason == "database_restored");
  CHECK(told_of_restore(life));
}

TEST_CASE("after a restore nothing begins for an hour, since what the lost hour began is forgotten") {
  LivingDaemon life(test::small_world());
  back_up_before_rotations(life);
  restore_backup(life);
  life.start();
  life.run_for(std::chrono::minutes(55));
  CHECK(life.events(EventKind::rotation_opened).empty());
  CHECK(life.verdict(test::ibm_key).reason == "rotations_per_hour");
  REQUIRE(life.run_until([&] { return life.events(EventKind::rotation_done).size() == 3; }));
}

TEST_CASE("a backup that lacks nothing changes nothing, and moves no date") {
  LivingDaemon life(test::small_world());
  life.start();
  REQUIRE(
      life.run_until([&] { return life.settled() && life.events(EventKind::rotation_done).size() == 3; }));
  auto const keys = test::keys_at_clouds(life);
  auto const due = life.verdict(test::vault_key).due;
  take_backup(life);
  restore_backup(life);
  life.start();
  REQUIRE(life.run_until([&] { return all_done(life); }));
  CHECK(life.verdict(test::vault_key).due == due);
  CHECK(life.events(EventKind::drift).empty());
  CHECK(life.events(EventKind::rotation_opened).size() == 3);
  require_whole(life, keys);
}

}  // namespace
}  // namespace rekeyd
