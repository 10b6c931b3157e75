// What has registered with a key at IBM follows a rotation, late or never, and the rotation with it.
#include "tests/simulator/message.hpp"
#include "tests/workflow/small_world.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace rekeyd {
namespace {

using test::done;
using test::LivingDaemon;
using namespace std::chrono_literals;

std::string crn(int number) {
  return fmt::format("crn:v1:bluemix:public:is:us-south-1:a/3f5a0c9e7d1b4826a0e4c7b9d2f61835::volume:r006-{}",
                     number);
}

/// One overdue key at Key Protect, with one volume that follows as `profile` says, and nothing else.
LivingDaemon::Files registered_world(char const* profile, char const* policy = "") {
  LivingDaemon::Files files = test::small_world();
  std::string const line = "created: 8 months ago, deks: 3, aad: [orders] }";
  auto const at = files.world_text.find(line);
  REQUIRE(at != std::string::npos);
  files.world_text.replace(
      at, line.size(),
      fmt::format("created: 8 months ago, registrations: [{{ crn: \"{}\", profile: {} }}] }}", crn(1),
                  profile));
  files.policies = fmt::format(
      "version: 1\npolicies:\n  - {{ name: all, match: {{ key: \"*\" }}, every: 12 months, mode: observe }}\n"
      "  - {{ name: ibm, match: {{ key: crk-orders }}, every: 6 months, spread: 0 seconds{} }}\n",
      policy);
  return files;
}

Registration tie(LivingDaemon& life) {
  auto const ties = life.store().registrations(*KeyRef::parse(test::ibm_key)).value();
  REQUIRE(ties.size() == 1);
  return ties.front();
}

Rotation newest(LivingDaemon& life) {
  return life.store().rotations(*KeyRef::parse(test::ibm_key), 1).value().at(0);
}

std::chrono::seconds took(Rotation const& rotation) { return rotation.ended.value() - rotation.opened; }

/// When the services were asked, as the history has it.
std::vector<Instant> asked(LivingDaemon& life) {
  std::vector<Instant> all;
  for (auto const& each : life.events(EventKind::registrations_synced)) {
    if (each.event.outcome == EventOutcome::held) all.push_back(each.event.at);
  }
  return all;
}

TEST_CASE("a rotation is over when what has registered with the key is on the new version") {
  LivingDaemon life(registered_world("fast"));
  life.start();
  REQUIRE(life.run_until([&] { return done(life) == 1; }));
  CHECK(tie(life).version == newest(life).new_version);
  CHECK(tie(life).following == Following::by_itself);
  CHECK(took(newest(life)) < 5min);
  CHECK(asked(life).empty());
  auto const moved = life.events(EventKind::registration_moved);
  REQUIRE(moved.size() == 1);
  CHECK(moved[0].event.rotation == newest(life).id);
}

TEST_CASE("services that take their four hours are not asked again") {
  LivingDaemon life(registered_world("slow"));
  life.start();
  REQUIRE(life.run_until([&] { return done(life) == 1; }, 8h));
  CHECK(took(newest(life)) >= 2h);
  CHECK(asked(life).empty());
}

TEST_CASE("services that have missed a rotation are asked after four hours, and follow") {
  LivingDaemon life(registered_world("never"));
  life.start();
  REQUIRE(life.run_until([&] { return done(life) == 1; }, 10h));
  CHECK(tie(life).version == newest(life).new_version);
  REQUIRE(asked(life).size() == 1);
  CHECK(asked(life)[0] - newest(life).opened >= 4h);
  auto const told = life.events(EventKind::registrations_synced);
  REQUIRE(told.size() == 2);
  CHECK(told[1].event.outcome == EventOutcome::ok);
  CHECK_FALSE(told[1].event.request_id.empty());
  CHECK(life.events(EventKind::registrations_behind).empty());
}

TEST_CASE("what never follows is asked at most hourly, over restarts, until the policy's patience is over") {
  LivingDaemon life(registered_world("stale", ", registrations: { patience: 10 hours }"));
  life.start();
  REQUIRE(life.run_until([&] { return asked(life).size() == 2; }, 10h));
  life.crash();
  life.start();
  REQUIRE(life.run_until([&] { return done(life) == 1; }, 10h));
  CHECK(took(newest(life)) >= 10h);
  CHECK(took(newest(life)) < 11h);
  auto const times = asked(life);
  CHECK(times.size() >= 5);
  for (std::size_t i = 1; i < times.size(); ++i) CHECK(times[i] - times[i - 1] >= 1h);
  CHECK(tie(life).version == newest(life).base_version);
  auto const behind = life.events(EventKind::registrations_behind);
  REQUIRE(behind.size() == 1);
  CHECK(behind[0].event.details.at("behind") == crn(1));
  life.run_for(1h);
  auto const warnings = life.daemon().status().warnings;
  CHECK(std::ranges::any_of(warnings, [](std::string const& each) { return each.starts_with(crn(1)); }));
}

/// Somebody else asks the services to look at the key.
void person_syncs(LivingDaemon& life) {
  auto const now = life.clock().wall_now();
  sim::Request asks{.method = "POST", .host = "iam.cloud.ibm.com", .target = "/identity/token"};
  asks.authority = asks.host;
  asks.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
  asks.body = "grant_type=urn%3Aibm%3Aparams%3Aoauth%3Agrant-type%3Aapikey&apikey=demo-ibm-prod";
  auto const token = sim::json_object(life.cloud().handle(asks, now).answer.body);
  REQUIRE(token);
  std::string const key_id = KeyRef::parse(test::ibm_key)->id.str();
  sim::Request sync{.method = "POST",
                    .host = "us-south.kms.cloud.ibm.com",
                    .target = "/api/v2/keys/" + key_id + "/actions/sync"};
  sync.authority = sync.host;
  sync.headers = {{"Authorization", "Bearer " + sim::string_member(*token, "access_token").value_or("")},
                  {"Bluemix-Instance", "0a0a0a0a-0000-4000-8000-000000000001"}};
  auto const answered = life.cloud().handle(sync, now);
  INFO(answered.answer.body);
  REQUIRE(answered.answer.status == 204);
}

TEST_CASE("a sync that comes too early is repeated at the moment that the provider names, and not before") {
  LivingDaemon life(registered_world("stale"));
  life.start();
  REQUIRE(life.run_until([&] { return !life.store().unfinished_rotations().value().empty(); }));
  life.run_for(3h + 50min);
  person_syncs(life);
  Instant const person_asked = life.clock().wall_now();
  REQUIRE(life.run_until([&] { return asked(life).size() == 2; }, 4h));
  auto const told = life.events(EventKind::registrations_synced);
  REQUIRE(told.size() >= 2);
  CHECK(told[1].event.outcome == EventOutcome::failed);
  CHECK(told[1].event.error_code == "REQ_TOO_EARLY_ERR");
  CHECK(told[1].event.details.contains("not_before"));
  CHECK(asked(life)[1] - person_asked >= 1h);
  CHECK(asked(life)[1] - person_asked < 2h);
  CHECK(life.run_until([&] { return life.events(EventKind::registrations_synced).size() == 4; }, 1h));
  CHECK(life.events(EventKind::registrations_synced)[3].event.outcome == EventOutcome::ok);
}

TEST_CASE("a resource that registers, or is gone, is told at the next look at its provider") {
  LivingDaemon life(registered_world("fast"));
  life.start();
  REQUIRE(life.run_until([&] { return done(life) == 1; }));
  auto const registers = [&](int number, bool registered) {
    sim::Request made{.method = "POST", .host = std::string(sim::control_host), .target = "/registrations"};
    made.authority = made.host;
    made.body = fmt::format(
        R"({{"instance":"0a0a0a0a-0000-4000-8000-000000000001","key":"0b0b0b0b-0000-4000-8000-000000000102","crn":"{}","registered":"{}"}})",
        crn(number), registered ? "yes" : "no");
    auto const answered = life.cloud().handle(made, life.clock().wall_now());
    INFO(answered.answer.body);
    REQUIRE(answered.answer.status < 300);
  };
  KeyRef const fresh = *KeyRef::parse("ibm-prod/kp-main/0b0b0b0b-0000-4000-8000-000000000102");
  registers(7, true);
  life.run_for(90min);
  REQUIRE(life.store().registrations(fresh).value().size() == 1);
  registers(7, false);
  life.run_for(90min);
  CHECK(life.store().registrations(fresh).value().empty());
  CHECK(life.events(EventKind::registration_gone).size() == 1);
  // One list for the whole instance: keys that have not changed are not read for it.
  auto const lists = life.network().count("GET us-south.kms.cloud.ibm.com/api/v2/keys/registrations");
  CHECK(lists >= 3);
}

}  // namespace
}  // namespace rekeyd
