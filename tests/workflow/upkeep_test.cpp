// What the provider keeps for a key beside its versions, and old versions out of use.
#include "tests/workflow/azure_world.hpp"
#include "tests/workflow/behind_our_back.hpp"
#include "tests/workflow/small_world.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace rekeyd {
namespace {

using namespace std::chrono_literals;
using test::disks_key;
using test::disks_world;
using test::done;
using test::LivingDaemon;

constexpr char const* vault_host = "payments-eu.vault.azure.net";
constexpr char const* key_path = "/keys/cmk-disks";
constexpr char const* patch = "PATCH payments-eu.vault.azure.net";
constexpr char const* one_pinned = "- { name: pinned, key: payments-eu/cmk-disks }";

std::string policy(std::string const& wishes) {
  return fmt::format(
      "version: 1\npolicies:\n  - {{ name: all, match: {{ key: cmk-disks }}, every: 6 months, spread: 0 "
      "seconds, {} }}\n",
      wishes);
}

LivingDaemon::Files world_with(std::string const& wishes, std::string const& sets = one_pinned) {
  LivingDaemon::Files files = disks_world(sets);
  files.policies = policy(wishes);
  return files;
}

storage::StoredKey stored(LivingDaemon& life) {
  return life.store().key(*KeyRef::parse(disks_key)).value().value();
}

std::vector<HistoryEvent> told(LivingDaemon& life, EventKind kind, EventOutcome outcome) {
  std::vector<HistoryEvent> all;
  for (auto const& recorded : life.events(kind)) {
    if (recorded.event.outcome == outcome) all.push_back(recorded.event);
  }
  return all;
}

bool is_told(LivingDaemon& life, EventKind kind, EventOutcome outcome = EventOutcome::ok) {
  return !told(life, kind, outcome).empty();
}

std::size_t disabled(LivingDaemon& life) {
  storage::StoredKey const key = stored(life);
  return static_cast<std::size_t>(std::ranges::count(key.versions, false, &KeyVersion::enabled));
}

TEST_CASE("a new version gets the expiry of its policy, and the next rotation keeps it") {
  LivingDaemon life(world_with("versions_expire_after: 18 months"));
  life.start();
  REQUIRE(life.run_until([&] { return done(life) == 1 && is_told(life, EventKind::version_expiry_set); }));
  storage::StoredKey const key = stored(life);
  REQUIRE(key.key.expires);
  auto const lifetime = *key.key.expires - *key.key.current_created;
  CHECK(lifetime > test::days(545));
  CHECK(lifetime < test::days(552));
  auto const set = told(life, EventKind::version_expiry_set, EventOutcome::ok);
  REQUIRE(set.size() == 1);
  CHECK(set[0].version == key.key.current);
  CHECK_FALSE(set[0].request_id.empty());
  CHECK(told(life, EventKind::version_expiry_set, EventOutcome::held).size() == 1);
  life.run_for(test::days(2));
  CHECK(life.network().count(patch) == 1);
  life.run_for(test::days(190));
  CHECK(done(life) == 2);
  CHECK(stored(life).key.expires > *stored(life).key.current_created + test::days(540));
}

TEST_CASE("a version without an expiry that someone made in the middle of our rotation gets the policy's") {
  LivingDaemon life(world_with("versions_expire_after: 18 months"));
  life.start();
  REQUIRE(life.run_until([&] { return done(life) == 1 && is_told(life, EventKind::version_expiry_set); }));
  REQUIRE(life.daemon().rotate({.key = disks_key, .reason = "a second one"}, "anna", 0));
  auto const about_to_rotate = [&] {
    auto const tried = life.events(EventKind::step_intended);
    return tried.back().event.step == "preflight";
  };
  REQUIRE(life.run_until(about_to_rotate));
  test::act_at_azure(life, "POST", vault_host, std::string(key_path) + "/rotate");
  life.run_for(test::days(2));
  CHECK(done(life) == 2);
  CHECK(life.events(EventKind::rotation_blocked).empty());
  CHECK(life.events(EventKind::drift).size() == 1);
  CHECK(told(life, EventKind::version_expiry_set, EventOutcome::ok).size() == 2);
  CHECK(stored(life).key.expires > *stored(life).key.current_created + test::days(540));
}

TEST_CASE("the key tells in its tags of its last rotation, and the next version does not inherit them") {
  LivingDaemon life(world_with("tag_rotations: true"));
  life.start();
  REQUIRE(life.run_until([&] { return done(life) == 1 && is_told(life, EventKind::key_tagged); }));
  auto const rotation = life.store().rotations(*KeyRef::parse(disks_key), 1).value().at(0);
  auto tags = stored(life).key.tags;
  CHECK(tags.at("rekeyd-rotated-at") == to_rfc3339(*stored(life).key.current_created));
  CHECK(tags.at("rekeyd-rotated-by") == "rekeyd:" + rotation.id.str());
  life.run_for(test::days(1));
  CHECK(life.events(EventKind::key_changed).empty());
  test::act_at_azure(life, "POST", vault_host, std::string(key_path) + "/rotate");
  REQUIRE(life.run_until([&] { return done(life) == 2; }));
  REQUIRE(life.run_until([&] { return stored(life).key.tags.at("rekeyd-rotated-by") == "other"; }));
  CHECK(stored(life).key.tags.at("rekeyd-rotated-at") == to_rfc3339(*stored(life).key.current_created));
}

TEST_CASE("old versions are disabled after the grace time, the current one never") {
  LivingDaemon life(world_with("retire: { after: 5 days, by: disabling }"));
  life.start();
  REQUIRE(life.run_until([&] { return done(life) == 1; }));
  VersionId const current = *stored(life).key.current;
  // The oldest was replaced months ago.
  REQUIRE(life.run_until([&] { return disabled(life) == 1; }));
  CHECK(stored(life).versions.front().enabled == false);
  life.run_for(test::days(4));
  CHECK(disabled(life) == 1);
  REQUIRE(life.run_until([&] { return disabled(life) == 2; }, test::days(2)));
  CHECK(stored(life).versions.back().id == current);
  CHECK(stored(life).versions.back().enabled);
  CHECK(told(life, EventKind::version_retired, EventOutcome::ok).size() == 2);
  CHECK(life.events(EventKind::drift).empty());
  CHECK(test::on_current_version(life, "pinned"));
}

TEST_CASE("an old version that expires may still unwrap, and is not retired twice") {
  LivingDaemon life(world_with("retire: { after: 1 day, by: expiry }"));
  life.start();
  REQUIRE(life.run_until([&] { return done(life) == 1; }));
  life.run_for(test::days(3));
  CHECK(disabled(life) == 0);
  auto const versions = stored(life).versions;
  REQUIRE(versions.size() == 3);
  CHECK(versions[0].expires);
  CHECK(versions[1].expires);
  CHECK_FALSE(versions[2].expires);
  CHECK(told(life, EventKind::version_retired, EventOutcome::held).size() == 2);
}

TEST_CASE("nothing is retired while a resource needs an old version, and the plan says what holds it") {
  LivingDaemon life(world_with("retire: { after: 1 day, by: disabling }",
                               "- { name: pinned, key: payments-eu/cmk-disks, key_access: false }"));
  life.start();
  KeyRef const key = *KeyRef::parse(disks_key);
  REQUIRE(life.run_until([&] { return !life.events(EventKind::rotation_blocked).empty(); }));
  life.run_for(test::days(3));
  CHECK(disabled(life) == 0);
  auto const held_by = [&] {
    auto const plan = life.daemon().plan(life.clock().wall_now() + test::days(30));
    return plan.retirements.empty() ? "" : plan.retirements.front().held_by;
  };
  CHECK(held_by() == "a rotation of the key is not finished");
  RotationId const blocked = life.store().rotations(key, 1).value().at(0).id;
  REQUIRE(life.daemon().abandon(blocked, {.reason = "it stays where it is"}, "anna"));
  life.run_for(test::days(3));
  CHECK(disabled(life) == 0);
  CHECK(held_by().starts_with(test::set_id("pinned")));
}

TEST_CASE("without anybody who looks for resources nothing is retired") {
  LivingDaemon::Files files = world_with("retire: { after: 1 day, by: disabling }");
  auto const at = files.settings.find("    resources:");
  REQUIRE(at != std::string::npos);
  files.settings.erase(at);
  LivingDaemon life(files);
  life.start();
  REQUIRE(life.run_until([&] { return done(life) == 1; }));
  life.run_for(test::days(3));
  CHECK(disabled(life) == 0);
  auto const plan = life.daemon().plan(life.clock().wall_now() + test::days(30));
  REQUIRE(plan.retirements.size() == 2);
  CHECK(plan.retirements[0].held_by.find("nobody knows what uses the key") != std::string::npos);
}

TEST_CASE("what the provider refuses is told in status, tried again later, and set once it lets us") {
  LivingDaemon life(world_with("versions_expire_after: 18 months"));
  sim::FaultRule refusal = test::fault("refuse", vault_host, "PATCH", "*");
  refusal.status = 403;
  refusal.times.reset();
  life.cloud().faults().add(refusal);
  life.start();
  REQUIRE(life.run_until([&] { return !life.daemon().status().warnings.empty(); }));
  CHECK(life.daemon().status().warnings[0].starts_with(disks_key));
  CHECK(is_told(life, EventKind::version_expiry_set, EventOutcome::failed));
  life.run_for(test::days(7));
  auto const tries = told(life, EventKind::version_expiry_set, EventOutcome::held).size();
  CHECK(tries >= 5);
  CHECK(tries <= 13);
  life.cloud().faults().clear();
  REQUIRE(life.run_until([&] { return is_told(life, EventKind::version_expiry_set); }, test::days(2)));
  CHECK(life.run_until([&] { return life.daemon().status().warnings.empty(); }));
}

TEST_CASE("a crash between the intent and the answer leads to the same end") {
  LivingDaemon life(world_with("versions_expire_after: 18 months, tag_rotations: true"));
  life.start();
  REQUIRE(life.run_until([&] { return life.network().count(patch) == 1; }));
  life.crash();
  life.start();
  REQUIRE(life.run_until([&] {
    auto const key = stored(life).key;
    return key.expires && key.tags.contains("rekeyd-rotated-at");
  }));
  life.run_for(test::days(1));
  CHECK(life.daemon().status().warnings.empty());
}

}  // namespace
}  // namespace rekeyd
