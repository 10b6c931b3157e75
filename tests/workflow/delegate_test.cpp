#include "tests/workflow/behind_our_back.hpp"
#include "tests/workflow/living_daemon.hpp"
#include "tests/workflow/small_world.hpp"

#include <boost/algorithm/string/replace.hpp>
#include <catch2/catch.hpp>

#include <algorithm>

namespace rekeyd {
namespace {

using Catch::Matchers::Contains;
using test::days;
using test::LivingDaemon;

constexpr char const* vault_host = "payments-eu.vault.azure.net";
std::string const at_azure = "azure-prod/payments-eu/cmk-fresh";
std::string const at_hsm = "hsm-prod/treasury-hsm/cmk-master";
std::string const at_ibm = "ibm-prod/kp-main/0b0b0b0b-0000-4000-8000-000000000102";
std::string const ibm_rotate =
    "POST us-south.kms.cloud.ibm.com/api/v2/keys/0b0b0b0b-0000-4000-8000-000000000102/actions/rotate";

/// The small world, in which a policy leaves one key at each cloud to its provider: Key Vault's falls due in
/// a month, Key Protect's in ten days.
LivingDaemon::Files delegating_world() {
  LivingDaemon::Files files = test::small_world();
  boost::replace_all(
      files.world_text, "{ name: cmk-fresh, created: 8 days ago }",
      "{ name: cmk-fresh, created: 61 days ago, deks: 2, rotation_policy: { rotate_after_create: P3M } }");
  boost::replace_all(files.world_text, "created: 9 days ago }",
                     "created: 80 days ago, deks: 2, rotation_policy: { interval_month: 3 } }");
  files.policies =
      "version: 1\npolicies:\n"
      "  - { name: all, match: { key: \"*\" }, every: 6 months }\n"
      "  - name: left-to-them\n"
      "    match: { key: \"*-fresh\" }\n"
      "    every: 3 months\n"
      "    mode: delegate\n";
  return files;
}

void live(LivingDaemon& life) {
  life.start();
  REQUIRE(life.run_until([&] { return life.settled(); }));
}

std::vector<HistoryEvent> events_of(LivingDaemon& life, EventKind kind, std::string const& key) {
  std::vector<HistoryEvent> events;
  for (auto const& recorded : life.events(kind)) {
    if (recorded.event.key && recorded.event.key->text() == key) events.push_back(recorded.event);
  }
  return events;
}

std::string last_trigger(LivingDaemon& life, std::string const& key) {
  auto const opened = events_of(life, EventKind::rotation_opened, key);
  return opened.empty() ? "" : opened.back().details.at("trigger");
}

std::size_t versions_at(LivingDaemon& life, std::string const& key) {
  return test::keys_at_clouds(life).at(key).versions.size();
}

TEST_CASE("what a provider rotates as its policy wants is no drift, and its wrapped DEKs follow") {
  LivingDaemon life(delegating_world());
  live(life);
  auto const [key, span] = GENERATE(table<std::string, int>({{at_ibm, 12}, {at_azure, 32}}));
  CAPTURE(key);
  CHECK(life.verdict(key).status == KeyStatus::ready);
  CHECK(life.verdict(key).reason == "provider_rotates");
  CHECK(events_of(life, EventKind::rotation_opened, key).empty());
  life.run_for(days(span));
  CHECK(versions_at(life, key) == 2);
  CHECK(life.events(EventKind::drift).empty());
  CHECK(events_of(life, EventKind::version_found, key).back().details.at("made_by") == "provider");
  REQUIRE(events_of(life, EventKind::rotation_done, key).size() == 1);
  CHECK(last_trigger(life, key) == "delegated");
  CHECK(life.verdict(key).reason == "provider_rotates");
  CHECK(life.network().count(ibm_rotate) == 0);
  test::require_versions_told_once(life);
  test::require_deks_on_current_versions(life);
  auto const last = life.store().rotations(KeyRef::parse(key).value(), 1);
  REQUIRE(last);
  CHECK(last->front().new_version_made_by == MadeBy::provider);
}

TEST_CASE(
    "at a first start that finds all keys overdue no provider is told to rotate before a person says so") {
  LivingDaemon::Files files = delegating_world();
  boost::replace_all(files.world_text,
                     "created: 61 days ago, deks: 2, rotation_policy: { rotate_after_create: P3M }",
                     "created: 200 days ago, deks: 2");
  boost::replace_all(files.world_text,
                     "created: 80 days ago, deks: 2, rotation_policy: { interval_month: 3 }",
                     "created: 200 days ago, deks: 2");
  LivingDaemon life(files);
  life.start();
  life.run_for(days(1));
  CHECK(life.daemon().status().holds.size() == 1);
  CHECK(life.events(EventKind::provider_rotation_set).empty());
  REQUIRE(life.daemon().release({.hold = std::nullopt, .reason = "as planned"}, "uid 1000 (anna)"));
  life.run_for(std::chrono::hours(2));
  for (std::string const& key : {at_azure, at_ibm}) {
    auto const set = events_of(life, EventKind::provider_rotation_set, key);
    CHECK(std::ranges::count(set, EventOutcome::ok, &HistoryEvent::outcome) == 1);
  }
}

TEST_CASE("a delegated key's provider is told to rotate it, once, and what it then makes is followed") {
  std::string const age = GENERATE("20 days ago", "200 days ago");
  CAPTURE(age);
  LivingDaemon::Files files = delegating_world();
  boost::replace_all(files.world_text,
                     "created: 61 days ago, deks: 2, rotation_policy: { rotate_after_create: P3M }",
                     "created: " + age + ", deks: 2");
  boost::replace_all(files.world_text,
                     "created: 80 days ago, deks: 2, rotation_policy: { interval_month: 3 }",
                     "created: " + age + ", deks: 2");
  LivingDaemon life(files);
  life.settings().rotations.storm_hold.percent = 100;
  life.start();
  life.run_for(days(1));
  for (std::string const& key : {at_azure, at_ibm}) {
    CAPTURE(key);
    auto const set = events_of(life, EventKind::provider_rotation_set, key);
    CHECK(std::ranges::count(set, EventOutcome::ok, &HistoryEvent::outcome) == 1);
    CHECK(std::ranges::count(set, EventOutcome::failed, &HistoryEvent::outcome) == 0);
  }
  life.run_for(days(93));
  for (std::string const& key : {at_azure, at_ibm}) {
    CAPTURE(key);
    CHECK(versions_at(life, key) == (age == "20 days ago" ? 2 : 3));
    CHECK(last_trigger(life, key) == "delegated");
    CHECK(life.verdict(key).reason == "provider_rotates");
    CHECK(events_of(life, EventKind::drift, key).empty());
    auto const set = events_of(life, EventKind::provider_rotation_set, key);
    CHECK(std::ranges::count(set, EventOutcome::ok, &HistoryEvent::outcome) == 1);
  }
  test::require_versions_told_once(life);
  test::require_deks_on_current_versions(life);
}

TEST_CASE("a version made out of the provider's time is drift, is followed, and moves the provider's date") {
  LivingDaemon life(delegating_world());
  live(life);
  life.run_for(days(3));
  auto const due = life.verdict(at_azure).due;
  test::act_at_azure(life, "POST", vault_host, "/keys/cmk-fresh/rotate");
  life.run_for(days(1));
  REQUIRE(life.events(EventKind::drift).size() == 1);
  CHECK(last_trigger(life, at_azure) == "drift");
  CHECK(events_of(life, EventKind::version_found, at_azure).back().details.at("made_by") == "other");
  CHECK(*life.verdict(at_azure).due > *due + days(60));
  test::require_deks_on_current_versions(life);
}

TEST_CASE("a person may have a delegated key rotated, and the provider counts from there") {
  LivingDaemon life(delegating_world());
  live(life);
  auto const due = life.verdict(at_azure).due;
  REQUIRE(life.daemon().rotate({.key = at_azure, .reason = "a leaver"}, "anna", 0));
  life.run_for(std::chrono::hours(2));
  CHECK(last_trigger(life, at_azure) == "request");
  CHECK(events_of(life, EventKind::rotation_done, at_azure).size() == 1);
  CHECK(life.verdict(at_azure).reason == "provider_rotates");
  CHECK(*life.verdict(at_azure).due > *due + days(55));
  life.run_for(days(40));
  CHECK(versions_at(life, at_azure) == 2);
  CHECK(life.events(EventKind::drift).empty());
}

TEST_CASE("rotations that a provider made while it was out of reach are all known as its own") {
  LivingDaemon life(delegating_world());
  live(life);
  sim::FaultRule outage = test::fault("refuse", "*", "*", "*");
  outage.times = 100'000'000;
  life.cloud().faults().add(outage);
  life.run_for(days(130));
  life.cloud().faults().clear();
  life.run_for(days(3));
  CHECK(versions_at(life, at_azure) == 3);
  auto const found = events_of(life, EventKind::version_found, at_azure);
  CHECK(std::ranges::count_if(
            found, [](HistoryEvent const& each) { return each.details.at("made_by") == "provider"; }) == 2);
  CHECK(events_of(life, EventKind::drift, at_azure).empty());
  CHECK(last_trigger(life, at_azure) == "delegated");
  test::require_versions_told_once(life);
  test::require_deks_on_current_versions(life);
}

TEST_CASE("a provider that cannot rotate a key any more is found out a day after its date") {
  LivingDaemon::Files files = delegating_world();
  boost::replace_all(files.world_text, "created: 9 months ago, rotation_policy: neutral, deks: 3",
                     "created: 1200 days ago, versions: 100, every: 12 days, deks: 3, "
                     "rotation_policy: { rotate_after_create: P1M }");
  files.policies += "  - { name: hsm, match: { key: cmk-master }, every: 1 month, mode: delegate }\n";
  LivingDaemon life(files);
  live(life);
  REQUIRE(versions_at(life, at_hsm) == 100);
  auto const has_not = [&] { return life.verdict(at_hsm).reason == "provider_has_not_rotated"; };
  REQUIRE(life.run_until(has_not, days(40)));
  CHECK(life.verdict(at_hsm).status == KeyStatus::blocked);
  auto const late = life.clock().wall_now() - *life.verdict(at_hsm).due;
  CHECK(late >= days(1));
  CHECK(late <= days(1) + std::chrono::hours(2));
  CHECK(versions_at(life, at_hsm) == 100);
}

TEST_CASE("keys of two rotators are counted and named") {
  LivingDaemon::Files files = delegating_world();
  boost::replace_all(files.policies, "mode: delegate", "mode: enforce");
  LivingDaemon life(files);
  life.start();
  auto const blocked = [&] { return life.daemon().keys().size() == 5 && life.settled(); };
  life.run_until(blocked, std::chrono::hours(2));
  CHECK(life.verdict(at_ibm).reason == "provider_rotates_too");
  auto const warnings = life.daemon().status().warnings;
  REQUIRE(warnings.size() == 1);
  CHECK_THAT(warnings.front(),
             Contains("all.yaml:4:5: warning: 2 keys are rotated by the provider's own rule too "
                      "[two-rotators]: " +
                      at_azure + ", " + at_ibm + "; set mode: delegate"));
  life.write_policies(boost::replace_all_copy(files.policies, "mode: enforce", "mode: observe"));
  REQUIRE(life.daemon().reload("anna")->applied);
  CHECK(life.daemon().status().warnings.empty());
  CHECK_THAT(life.verdict(at_ibm).sentence,
             Contains("the provider rotates this key by itself (every 3 months of 30"));
}

TEST_CASE("a plan marks the provider's dates, tells our calendar's beside them, and goes on from each") {
  LivingDaemon life(delegating_world());
  live(life);
  auto const plan = life.daemon().plan(life.clock().wall_now() + std::chrono::days(365));
  std::vector<daemon::PlanEntry> entries;
  std::ranges::copy_if(plan.entries, std::back_inserter(entries),
                       [](daemon::PlanEntry const& entry) { return entry.key.text() == at_ibm; });
  REQUIRE(entries.size() == 4);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    CHECK(entries[i].mode == Mode::delegate);
    if (i > 0) CHECK(entries[i].at - entries[i - 1].at == days(90));
  }
  CHECK_THAT(entries[0].why,
             Contains("+ 3 months of 30 days, by the provider within 24 hours; our calendar says ") &&
                 Contains("all.yaml:4:5"));
  CHECK_THAT(entries[1].why, Contains("by the provider, 3 months of 30 days after that"));
}

}  // namespace
}  // namespace rekeyd
