#include "config/load.hpp"
#include "tests/simulation/home.hpp"
#include "tests/simulation/rule.hpp"
#include "tests/simulator/cloud.hpp"
#include "tests/simulator/world.hpp"

#include <catch2/catch.hpp>

namespace rekeyd::simulation {
namespace {

using namespace std::chrono_literals;

constexpr char const* ledger = "hsm-prod/treasury-hsm/cmk-master";
constexpr char const* orders = "ibm-prod/kp-main/0b0b0b0b-0000-4000-8000-000000000101";

/// The small world without its daemon: what a daemon would do is fed to one rule.
struct Stage {
  Stage() {
    truth.look(scenario.begin, Maker::beginning);
    auto policies = config::parse_policies(scenario.policies.front(), "policies");
    scene.policies = std::make_shared<PolicySet const>(*std::move(policies.value));
    for (char const* key : {ledger, orders}) scene.on_record.keys[key].ref = KeyRef::parse(key).value();
  }

  static Scenario small() {
    auto loaded = load_scenario(REKEYD_SOURCE_DIR "/tests/simulation/worlds/small.yaml");
    REQUIRE(loaded);
    return *std::move(loaded);
  }

  std::optional<Invariant> broken() const {
    auto const& said = verdicts.broken();
    return said ? std::optional(said->invariant) : std::nullopt;
  }

  Rotation rotation(char const* id, char const* key) {
    Rotation made;
    made.id = RotationId(id);
    made.key = KeyRef::parse(key).value();
    made.base_version = VersionId(truth.find(key)->current);
    made.opened = scenario.begin;
    return made;
  }
  void commit(Rule& rule, storage::Change const& change) {
    rule.committed(change);
    scene.note(change);
  }
  storage::Change opened(Rotation const& made) {
    storage::Change change;
    change.rotations.push_back(made);
    return change;
  }
  Letter letter(char const* key, char const* rotation_id) {
    Letter sent;
    sent.key = key;
    sent.rotation = rotation_id;
    sent.sent = universe.clock.mono_now();
    return sent;
  }
  static Truth::NewVersion version(char const* key, char const* id) {
    Truth::NewVersion made;
    made.key = key;
    made.version.id = id;
    made.version.maker = Maker::daemon;
    return made;
  }
  HistoryEvent told(char const* key, std::string const& id, char const* maker) {
    HistoryEvent event;
    event.kind = EventKind::version_found;
    event.key = KeyRef::parse(key).value();
    event.version = VersionId(id);
    event.details["made_by"] = maker;
    return event;
  }

  Scenario scenario = small();
  Universe universe{1, scenario.begin, false};
  std::unique_ptr<sim::Cloud> cloud = *sim::make_world(scenario.clouds, {scenario.begin, 1});
  Home home{scenario, 1};
  Truth truth{*cloud};
  Verdicts verdicts;
  AddressBook addresses{home.settings()};
  Scene scene{universe, truth, verdicts, addresses, home.settings()};
  Network network{universe, *cloud};
};

TEST_CASE("invariant 1 breaks when a rotation makes two versions, or one due date does, or none was due") {
  Stage stage;
  auto const rule = make_due_dates(stage.scene);
  stage.commit(*rule, stage.opened(stage.rotation("r1", orders)));
  rule->arrived(stage.letter(orders, "r1"), {}, {Stage::version(orders, "v2")});
  CHECK_FALSE(stage.broken());
  SECTION("two versions of one rotation") {
    rule->arrived(stage.letter(orders, "r1"), {}, {Stage::version(orders, "v3")});
  }
  SECTION("two rotations of one due date") {
    stage.commit(*rule, stage.opened(stage.rotation("r2", orders)));
    rule->arrived(stage.letter(orders, "r2"), {}, {Stage::version(orders, "v3")});
  }
  SECTION("a version without an intent on record") {
    rule->arrived(stage.letter(orders, ""), {}, {Stage::version(orders, "v3")});
  }
  SECTION("a request that goes out before its intent is on record") {
    Rotation intended = stage.rotation("r1", orders);
    intended.sent = RequestsSent{stage.scenario.begin, stage.scenario.begin};
    stage.commit(*rule, stage.opened(intended));
    rule->sent(stage.letter(orders, "r1"));
    REQUIRE_FALSE(stage.broken());
    stage.commit(*rule, stage.opened(stage.rotation("r2", orders)));
    rule->sent(stage.letter(orders, "r2"));
  }
  SECTION("a version of a key that someone else has rotated since") {
    char const* const fresh = "ibm-prod/kp-main/0b0b0b0b-0000-4000-8000-000000000102";
    stage.scene.on_record.keys[fresh].ref = KeyRef::parse(fresh).value();
    stage.scene.note(stage.opened(stage.rotation("r3", fresh)));
    rule->arrived(stage.letter(fresh, "r3"), {}, {Stage::version(fresh, "v2")});
  }
  SECTION("a rotation before its time") {
    char const* const fresh = "ibm-prod/kp-main/0b0b0b0b-0000-4000-8000-000000000102";
    stage.scene.on_record.keys[fresh].ref = KeyRef::parse(fresh).value();
    stage.commit(*rule, stage.opened(stage.rotation("r3", fresh)));
  }
  CHECK(stage.broken() == Invariant::due_dates);
}

TEST_CASE("invariant 2 breaks when history tells a version twice, wrongly, not at all, or one that is not") {
  Stage stage;
  auto const rule = make_version_history(stage.scene);
  storage::Change change;
  std::string const current = stage.truth.find(orders)->current;
  SECTION("twice") {
    change.events = {stage.told(orders, current, "unknown"), stage.told(orders, current, "unknown")};
    rule->committed(change);
  }
  SECTION("with the wrong maker") {
    change.events = {stage.told(orders, current, "rekeyd")};
    rule->committed(change);
  }
  SECTION("one that the clouds do not have") {
    change.events = {stage.told(orders, "v9", "unknown")};
    rule->committed(change);
  }
  SECTION("not at all") {
    change.events = {stage.told(orders, current, "unknown")};
    rule->committed(change);
    CHECK_FALSE(stage.broken());
    rule->at_rest();
  }
  CHECK(stage.broken() == Invariant::version_history);
}

/// The policies as they are, but for who rotates.
void delegate_all(Stage& stage) {
  PolicySet policies = *stage.scene.policies;
  for (RotationPolicy& policy : policies.policies) policy.mode = Mode::delegate;
  stage.scene.policies = std::make_shared<PolicySet const>(std::move(policies));
}

TEST_CASE("invariant 1 breaks when a rotation begins of a key that is its provider's to rotate") {
  Stage stage;
  auto const rule = make_due_dates(stage.scene);
  Rotation const due = stage.rotation("r1", orders);
  SECTION("ours to rotate") {
    stage.commit(*rule, stage.opened(due));
    CHECK_FALSE(stage.broken());
  }
  SECTION("its provider's") {
    delegate_all(stage);
    stage.commit(*rule, stage.opened(due));
    CHECK(stage.broken() == Invariant::due_dates);
  }
}

TEST_CASE(
    "invariant 2 breaks when a registration is not as on record, or changed there and nothing tells of it") {
  Stage stage;
  auto const rule = make_registrations(stage.scene);
  storage::Change change;
  for (auto const& [resource, tie] : stage.truth.find(orders)->registrations) {
    Registration registration;
    registration.key = KeyRef::parse(orders).value();
    registration.resource = ResourceId(resource);
    registration.version = VersionId(tie.version);
    change.registrations.push_back(std::move(registration));
    HistoryEvent event = stage.told(orders, tie.version, "");
    event.kind = EventKind::registration_found;
    event.details["resource"] = resource;
    change.events.push_back(std::move(event));
  }
  REQUIRE(change.registrations.size() == 2);
  rule->committed(change);
  rule->at_rest();
  REQUIRE_FALSE(stage.broken());
  SECTION("not as on record") {
    change.registrations_gone = {change.registrations.front()};
    change.registrations.clear();
    rule->committed(change);
    REQUIRE_FALSE(stage.broken());
    rule->at_rest();
  }
  SECTION("nothing tells of it") {
    change.events.clear();
    change.registrations.front().prevents_deletion = true;
    rule->committed(change);
  }
  CHECK(stage.broken() == Invariant::version_history);
}

TEST_CASE("invariant 3 breaks when a WDEK is gone, torn, another one's, or left behind") {
  Stage stage;
  auto files = stage.home.write_deks(stage.cloud->deks());
  auto const folder = stage.home.settings().dek_stores.front().path;
  std::string const one = (folder / "kp-main/0b0b0b0b-0000-4000-8000-000000000101/dek-00001.json").string();
  std::string const two = (folder / "kp-main/0b0b0b0b-0000-4000-8000-000000000101/dek-00002.json").string();
  auto const rule = make_wrapped_deks(stage.scene, {stage.home.disk(), folder, files, *stage.cloud});
  rule->left_behind();
  REQUIRE_FALSE(stage.broken());
  std::string const text = stage.home.disk().text_of(one).value();
  storage::Change found;
  SECTION("gone") { stage.home.disk().take_away(one); }
  SECTION("torn") { stage.home.disk().put(one, text.substr(0, text.size() / 2)); }
  SECTION("another one's") { stage.home.disk().put(one, stage.home.disk().text_of(two).value()); }
  SECTION("left behind") {
    Rotation done = stage.rotation("r1", orders);
    done.state = RotationState::done;
    done.new_version = VersionId("another");
    rule->committed(stage.opened(done));
  }
  SECTION("not taken along when someone else has rotated its key") {
    HistoryEvent& drift = found.events.emplace_back();
    drift.kind = EventKind::drift;
    drift.key = KeyRef::parse(orders).value();
    drift.details["version_before"] = "v1";
    found.keys.emplace_back().key = stage.scene.on_record.keys.at(orders);
    found.rotations.push_back(stage.rotation("r1", orders));
    rule->committed(found);
    REQUIRE_FALSE(stage.broken());
    found.rotations.clear();
    rule->committed(found);
  }
  SECTION("not taken along when its provider has rotated the key as wished") {
    delegate_all(stage);
    found.keys.emplace_back().key = stage.scene.on_record.keys.at(orders);
    found.keys.front().key.current = VersionId("v9");
    found.events = {stage.told(orders, "v9", "other")};
    rule->committed(found);
    REQUIRE_FALSE(stage.broken());
    found.events = {stage.told(orders, "v9", "provider")};
    rule->committed(found);
  }
  rule->left_behind();
  CHECK(stage.broken() == Invariant::wrapped_deks);
}

TEST_CASE("invariant 5 breaks when the daemon asks to delete, or to switch off a key") {
  Stage stage;
  auto const rule = make_retirement(stage.scene);
  Letter letter = stage.letter("", "");
  SECTION("delete") { letter.request = {.method = "DELETE", .target = "/keys/cmk-master"}; }
  SECTION("disable at IBM") {
    letter.request = {.method = "POST", .target = "/api/v2/keys/x/actions/disable"};
  }
  rule->sent(letter);
  CHECK(stage.broken() == Invariant::retirement);
}

TEST_CASE(
    "invariant 5 breaks when a current version is taken out of use, invariant 3 when a WDEK is under it") {
  Stage stage;
  std::string const body = GENERATE(R"({"attributes":{"enabled":false}})", R"({"attributes":{"exp":1}})");
  auto const asked = [&](std::string const& version) {
    Letter letter = stage.letter("", "");
    letter.request = {
        .method = "PATCH", .target = "/keys/cmk-master/" + version + "?api-version=7.5", .body = body};
    letter.request.host = stage.addresses.of_key(ledger)->host;
    return letter;
  };
  std::string const current = stage.truth.find(ledger)->current;
  auto const retirement = make_retirement(stage.scene);
  auto files = stage.home.write_deks(stage.cloud->deks());
  auto const folder = stage.home.settings().dek_stores.front().path;
  auto const deks = make_wrapped_deks(stage.scene, {stage.home.disk(), folder, files, *stage.cloud});
  for (Rule* rule : {retirement.get(), deks.get()}) rule->sent(asked("0123456789abcdef0123456789abcdef"));
  REQUIRE_FALSE(stage.broken());
  SECTION("current") {
    retirement->sent(asked(current));
    CHECK(stage.broken() == Invariant::retirement);
  }
  SECTION("under a WDEK") {
    deks->sent(asked(current));
    CHECK(stage.broken() == Invariant::wrapped_deks);
  }
}

TEST_CASE("invariant 6 breaks with two rotations of a key, over the provider's hour, and over our brakes") {
  Stage stage;
  ClosedTime const freeze{"ibm-*", stage.scenario.begin, stage.scenario.begin + 1h};
  auto const rule = make_restraint(stage.scene, {freeze});
  rule->sent(stage.letter(ledger, "r1"));
  CHECK_FALSE(stage.broken());
  SECTION("in a freeze") { rule->sent(stage.letter(orders, "r1")); }
  SECTION("two of one key") {
    stage.commit(*rule, stage.opened(stage.rotation("r1", orders)));
    CHECK_FALSE(stage.broken());
    stage.commit(*rule, stage.opened(stage.rotation("r2", orders)));
  }
  SECTION("two within the provider's hour") {
    rule->arrived(stage.letter(orders, "r1"), {}, {Stage::version(orders, "v2")});
    rule->sent(stage.letter(orders, "r1"));
  }
  SECTION("more than the cap of an hour") {
    for (unsigned i = 0; i <= stage.home.settings().rotations.per_hour; ++i) {
      Rotation one = stage.rotation(("r" + std::to_string(i)).c_str(), orders);
      one.key.id = KeyId("k" + std::to_string(i));
      CHECK_FALSE(stage.broken());
      stage.commit(*rule, stage.opened(one));
    }
  }
  SECTION("more in flight than allowed") {
    for (unsigned i = 0; i <= stage.home.settings().rotations.in_flight; ++i)
      stage.scene.on_record.intended["k" + std::to_string(i)].insert("r");
    rule->sent(stage.letter(orders, "r1"));
  }
  CHECK(stage.broken() == Invariant::restraint);
}

TEST_CASE("invariant 7 breaks with a finding, with an event too few, and with a file that cannot be read") {
  Stage stage;
  auto const rule = make_sound_storage(stage.scene);
  stage.scene.events_durable = 3;
  storage::VerifyReport report;
  report.events = 3;
  stage.scene.database = report;
  rule->left_behind();
  CHECK_FALSE(stage.broken());
  SECTION("a finding") {
    report.findings.push_back({storage::FindingKind::event_altered, 2, "altered"});
    report.findings_total = 1;
    stage.scene.database = report;
  }
  SECTION("an event too few") {
    report.events = 2;
    stage.scene.database = report;
  }
  SECTION("a step without an event") { stage.commit(*rule, stage.opened(stage.rotation("r1", orders))); }
  SECTION("a commit that fails on a sound disk") { rule->refused(Error{}, true); }
  SECTION("unreadable") { stage.scene.database = std::unexpected(Error{}); }
  rule->left_behind();
  CHECK(stage.broken() == Invariant::sound_storage);
}

TEST_CASE("invariant 8 breaks with a date off the calendar, and with one that moves by itself") {
  Stage stage;
  auto const rule = make_steady_dates(stage.scene);
  TrueKey const& key = *stage.truth.find(orders);
  daemon::KeyReport report;
  report.key = KeyRef::parse(orders).value();
  report.current_version = VersionId(key.current);
  report.versions = key.versions.size();
  auto const applied = stage.scene.policy_of(stage.scene.on_record.keys.at(orders));
  Instant const calendar = stage.scene.due(orders, key.current, *applied).value();
  report.verdict.due = calendar + 10min;
  stage.scene.reports = [&report] { return std::vector{report}; };
  rule->began();
  REQUIRE_FALSE(stage.broken());
  SECTION("a day early") { report.verdict.due = calendar - 24h; }
  SECTION("later than its spread") { report.verdict.due = calendar + 2h; }
  SECTION("none") { report.verdict.due.reset(); }
  SECTION("moved within its spread") { report.verdict.due = calendar + 11min; }
  rule->looked_around();
  CHECK(stage.broken() == Invariant::steady_dates);
}

TEST_CASE("invariant 9 breaks when a second daemon finds the door open") {
  Stage stage;
  auto const rule = make_one_owner(stage.scene, stage.home.disk().vfs());
  rule->began();  // nobody owns the state directory
  CHECK(stage.broken() == Invariant::one_owner);
}

TEST_CASE(
    "invariant 10 breaks with a silent block, with a loop, with what is left over, and without an end") {
  Stage stage;
  auto const rule = make_endings(stage.scene, stage.network);
  rule->looked_around();
  CHECK_FALSE(stage.broken());
  Rotation stuck = stage.rotation("r1", orders);
  SECTION("a silent block") {
    stuck.state = RotationState::blocked;
    stage.commit(*rule, stage.opened(stuck));
  }
  SECTION("one rotation after the other") {
    for (char const* id : {"r1", "r2", "r3", "r4", "r5"})
      stage.commit(*rule, stage.opened(stage.rotation(id, orders)));
  }
  SECTION("a step that is tried again and again") {
    storage::Change again;
    storage::StepRecord& step = again.steps.emplace_back();
    step.rotation = stuck.id;
    step.ended_at = stage.scenario.begin;
    step.outcome = "again";
    for (int i = 0; i < 13; ++i) stage.commit(*rule, again);
  }
  SECTION("a loop") {
    for (int i = 0; i < 1'000'000; ++i) stage.universe.trace.count_handler();
    stage.universe.clock.advance_to(stage.universe.in(25h));
    rule->looked_around();
  }
  SECTION("something left over") {
    stage.universe.ready.add([] {});
    rule->ended_in_order();
    stage.universe.ready.clear();
  }
  SECTION("no end") {
    stage.commit(*rule, stage.opened(stuck));
    stage.scene.calm_since["ibm-prod"] = stage.universe.clock.mono_now();
    stage.universe.clock.advance_to(stage.universe.in(24h * 5));
    rule->looked_around();
  }
  CHECK(stage.broken() == Invariant::endings);
}

}  // namespace
}  // namespace rekeyd::simulation
