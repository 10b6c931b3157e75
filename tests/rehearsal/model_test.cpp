// The model of an inventory: the daemon must find in it what it knew.
#include "config/load.hpp"
#include "storage/read_only.hpp"
#include "tests/rehearsal/rehearsed_world.hpp"
#include "tests/rehearsal/small_fleet.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

using namespace rekeyd;
using namespace rekeyd::rehearsal;
using rekeyd::test::SmallFleet;

namespace {

Instant at(char const* text) { return parse_rfc3339(text).value(); }

Play play_of(SmallFleet const& fleet) {
  Play play;
  auto reader = storage::open_read_only(fleet.database());
  REQUIRE(reader);
  play.state = read_state(**reader).value();
  play.deks = count_deks(fleet.settings().dek_stores);
  play.settings = fleet.settings();
  play.policies_from = play.settings.policies;
  play.policies = config::load_policies(play.policies_from).value.value();
  play.from = at("2026-11-22T00:00:00Z");
  play.months = 1;
  play.seed = 7;
  return play;
}

KnownKey const& known(Play const& play, char const* name) {
  return *std::ranges::find(play.state.keys, name, [](KnownKey const& key) { return key.stored.key.name; });
}

/// What the daemon has put into its history.
struct Recorded {
  std::vector<HistoryEvent> events;
  Findings findings;
  std::set<std::string> of(EventKind kind) const {
    std::set<std::string> keys;
    for (HistoryEvent const& event : events) {
      if (event.kind == kind) keys.insert(event.key ? event.key->text() : "");
    }
    return keys;
  }
};

Recorded lived(RehearsedWorld& world) {
  Recorded recorded;
  world.on_commit = [&recorded](storage::Change const& change) {
    recorded.events.insert(recorded.events.end(), change.events.begin(), change.events.end());
  };
  auto findings = world.live();
  if (!findings) FAIL(to_text(findings.error()));
  recorded.findings = *std::move(findings);
  return recorded;
}

}  // namespace

TEST_CASE("the daemon finds every kind of key in the model as it knew it", "[rehearsal]") {
  SmallFleet const fleet;
  fleet.write_policies(
      "version: 1\npolicies:\n  - { name: all, match: { key: \"*\" }, every: 1 month, mode: observe }\n");
  RehearsedWorld world(play_of(fleet));
  Recorded const recorded = lived(world);
  CHECK(world.notes().empty());
  for (EventKind const kind : {EventKind::key_found, EventKind::key_gone, EventKind::version_found,
                               EventKind::drift, EventKind::rotation_opened}) {
    INFO(to_text(kind));
    CHECK(recorded.of(kind) == std::set<std::string>());
  }
  for (HistoryEvent const& event : recorded.events) {
    if (event.kind != EventKind::key_changed) continue;
    INFO(event.key->text());
    // Only what a date of the key's own brings about.
    CHECK(event.key->id == KeyId("cmk-coming"));
  }
  std::vector<std::string> listed;
  for (RehearsedProvider const& provider : recorded.findings.providers) {
    CHECK(provider.failed == 0);
    CHECK(provider.calls > 0);
    listed.push_back(provider.name + ": " + std::to_string(provider.keys));
  }
  // One at Azure is gone; the deleted one at IBM is still listed.
  CHECK(listed == std::vector<std::string>{"azure-prod: 10", "hsm-prod: 2", "ibm-hpcs: 1", "ibm-prod: 7"});
  // Nothing else is said of keys that are only watched.
  REQUIRE(recorded.findings.troubles.size() == 1);
  CHECK(recorded.findings.troubles[0].kind == TroubleKind::versions);
}

TEST_CASE("a rotation that is under way goes on in the rehearsal where it is", "[rehearsal]") {
  SmallFleet const fleet;
  Play play = play_of(fleet);
  KnownKey const& cards = known(play, "cmk-cards");
  storage::Change change;
  Rotation rotation;
  rotation.id = RotationId("8d6f3a52-0000-4000-8000-00000000000a");
  rotation.key = cards.stored.key.ref;
  rotation.policy = PolicyName("vaults");
  rotation.requested_by = "uid 1000 (anna)";
  rotation.trigger = Trigger::request;
  rotation.base_version = cards.stored.key.current;
  rotation.known_versions = {*cards.stored.key.current};
  rotation.step = Step::preflight;
  rotation.opened = rotation.updated = at("2026-11-20T00:00:00Z");
  change.rotations = {rotation};
  change.steps = {{rotation.id, Step::claim, 1, rotation.opened, rotation.opened, "done", ""}};
  fleet.record(change);
  RehearsedWorld world(play_of(fleet));
  Findings const findings = lived(world).findings;
  auto const found = std::ranges::find(findings.rotations, rotation.id,
                                       [](RehearsedRotation const& of) { return of.rotation.id; });
  REQUIRE(found != findings.rotations.end());
  CHECK(found->rotation.state == RotationState::done);
  CHECK(found->rotation.new_version_made_by == MadeBy::rekeyd);
}

TEST_CASE("a rotation that is blocked stays so where nothing changes", "[rehearsal]") {
  SmallFleet const fleet;
  Play play = play_of(fleet);
  Rotation rotation;
  rotation.id = RotationId("8d6f3a52-0000-4000-8000-00000000000b");
  rotation.key = known(play, "cmk-cards").stored.key.ref;
  rotation.policy = PolicyName("vaults");
  rotation.state = RotationState::blocked;
  rotation.blocked_reason = "access";
  rotation.message = "the identity may not rotate";
  rotation.remedy = "grant it the role";
  rotation.step = Step::preflight;
  rotation.opened = rotation.updated = at("2026-11-20T00:00:00Z");
  storage::Change change;
  change.rotations = {rotation};
  fleet.record(change);
  RehearsedWorld world(play_of(fleet));
  Findings const findings = lived(world).findings;
  auto const trouble = std::ranges::find(findings.troubles, rotation.key.text(), &Trouble::subject);
  REQUIRE(trouble != findings.troubles.end());
  CHECK(trouble->kind == TroubleKind::blocked);
  CHECK(trouble->reason == "access");
  CHECK(trouble->remedy == "grant it the role");
}

TEST_CASE("a hold from before the rehearsal is released by its operator after a day", "[rehearsal]") {
  SmallFleet const fleet;
  Hold hold;
  hold.kind = HoldKind::too_many_due;
  hold.placed = at("2026-11-19T00:00:00Z");
  hold.sentence = "an edit made many keys due";
  storage::Change change;
  change.holds = {hold};
  fleet.record(change);
  RehearsedWorld world(play_of(fleet));
  Findings const findings = lived(world).findings;
  REQUIRE(findings.holds.size() == 1);
  CHECK(findings.holds[0].from_before);
  CHECK(findings.holds[0].hold.released == at("2026-11-23T00:30:00Z"));
  CHECK(findings.holds[0].hold.released_by == operator_name);
  // What was due meanwhile had to wait for it.
  REQUIRE(!findings.waits.empty());
  CHECK(findings.waits[0].reason == "too_many_due");
  CHECK(findings.waits[0].longest >= std::chrono::hours(23));
}

TEST_CASE("a key that no model holds is left out, and told", "[rehearsal]") {
  auto keys = test::every_kind_of_key();
  keys.front().key.type = {KeyAlgorithm::other, 0, Protection::software};
  std::string const odd = keys.front().key.ref.text();
  SmallFleet const fleet(std::move(keys));
  RehearsedWorld world(play_of(fleet));
  CHECK(lived(world).of(EventKind::key_gone).empty());
  CHECK(world.keys() == 20);
  REQUIRE(world.notes().size() == 1);
  CHECK(world.notes()[0] == odd + " is left out: the model has no such kind of key");
}

TEST_CASE("a large inventory is looked at more rarely, which is told", "[rehearsal]") {
  SmallFleet const fleet;
  Play play = play_of(fleet);
  play.months = 24;
  play.settings.inventory_every = std::chrono::minutes(1);
  RehearsedWorld const world(std::move(play));
  REQUIRE(world.notes().size() == 1);
  CHECK_THAT(world.notes()[0],
             Catch::Contains("every 4 hours here") && Catch::Contains("not every 1 minute as"));
}

TEST_CASE("what the caps make wait is told with the reason", "[rehearsal]") {
  SmallFleet const fleet;
  fleet.write_policies(
      "version: 1\npolicies:\n  - { name: all, match: { provider: \"ibm-*\" }, every: 1 month }\n");
  Play play = play_of(fleet);
  play.settings.rotations.per_hour = 1;
  play.settings.rotations.storm_hold.percent = 100;
  RehearsedWorld world(std::move(play));
  Findings const findings = lived(world).findings;
  auto const wait = std::ranges::find(findings.waits, WaitsFor::quota, &RehearsedWait::waits_for);
  REQUIRE(wait != findings.waits.end());
  CHECK(wait->reason == "rotations_per_hour");
  CHECK(wait->keys >= 2);
  CHECK(wait->longest >= std::chrono::hours(1));
  CHECK(wait->longest <= std::chrono::hours(4));
}

TEST_CASE("a key whose versions run out is blocked in the month in which they do", "[rehearsal]") {
  SmallFleet const fleet;
  Play play = play_of(fleet);
  play.months = 8;
  RehearsedWorld world(std::move(play));
  Findings const findings = lived(world).findings;
  auto const of_key = [](Trouble const& trouble) { return trouble.name == "cmk-worn-out"; };
  auto const trouble = std::ranges::find_if(findings.troubles, of_key);
  REQUIRE(trouble != findings.troubles.end());
  CHECK(trouble->kind == TroubleKind::blocked);
  // 95 versions, and one more on 22 November and every month from then on.
  CHECK(to_rfc3339(*trouble->at).substr(0, 10) == "2027-04-22");
  auto const limit = std::ranges::find(findings.troubles, TroubleKind::versions, &Trouble::kind);
  REQUIRE(limit != findings.troubles.end());
  CHECK(limit->sentence == "100 of 100 versions are used up");
}

TEST_CASE("in hostile months every rotation comes to an end, and every WDEK moves", "[rehearsal]") {
  KeyRef const orders{ProviderName("ibm-prod"), VaultName("kp-main"),
                      KeyId("0b0b0b0b-0000-4000-8000-000000001001")};
  SmallFleet const fleet;
  fleet.write_deks(orders, 12);
  for (std::uint64_t const seed : {1U, 2U, 3U}) {
    CAPTURE(seed);
    Play play = play_of(fleet);
    play.months = 6;
    play.seed = seed;
    play.faults = Faults::hostile;
    RehearsedWorld world(std::move(play));
    Findings const findings = lived(world).findings;
    CHECK(world.notes().empty());
    CHECK(findings.faults > 0);
    CHECK(findings.crashes > 0);
    for (RehearsedRotation const& of : findings.rotations) {
      CAPTURE(of.rotation.id.str(), of.rotation.message);
      CHECK((of.rotation.state != RotationState::open ||
             of.rotation.opened > world.until() - std::chrono::hours(72)));
      if (of.rotation.key == orders && of.rotation.state == RotationState::done) CHECK(of.deks == 12);
    }
  }
}
