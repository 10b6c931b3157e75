#include "tests/workflow/living_daemon.hpp"
#include "tests/workflow/small_world.hpp"

#include <catch2/catch.hpp>

#include <fstream>
#include <sstream>

namespace rekeyd {
namespace {

namespace fs = std::filesystem;
using test::LivingDaemon;

fs::path const source(REKEYD_SOURCE_DIR);

std::string text_of(fs::path const& file) {
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

TEST_CASE("the shipped example rotates what is overdue at five clouds and leaves the rest alone") {
  LivingDaemon::Files files;
  files.world = source / "tests/simulator/worlds/demo.yaml";
  files.settings = text_of(source / "config/examples/rekeyd.yaml");
  LivingDaemon life(files);
  life.settings().rotations.storm_hold.percent = 100;  // What is due from the start is what this is about.
  fs::remove(life.folder() / "policies.d/all.yaml");
  for (auto const& entry : fs::directory_iterator(source / "config/examples/policies.d")) {
    fs::copy_file(entry.path(), life.folder() / "policies.d" / entry.path().filename());
  }
  life.start();
  auto const before = test::keys_at_clouds(life);
  REQUIRE(life.run_until([&] { return life.settled(); }));

  std::size_t rotated = 0;
  for (auto const& [key, now] : test::keys_at_clouds(life)) {
    INFO(key);
    std::size_t const made = now.versions.size() - before.at(key).versions.size();
    REQUIRE(made <= 1);
    rotated += made;
  }
  CHECK(rotated == 10);
  CHECK(life.events(EventKind::rotation_done).size() == 10);
  // Root keys only: the world's standard key is nobody's business.
  CHECK(test::keys_on_record(life) == test::keys_at_clouds(life));
  test::require_deks_on_current_versions(life);
  life.stop();
  test::require_sound_history(life.database());
}

TEST_CASE(
    "a Managed HSM key without a rotation policy is blocked, or gets a neutral one that the history tells "
    "of") {
  bool const allowed = GENERATE(false, true);
  LivingDaemon::Files files = test::small_world();
  auto const neutral = files.world_text.find("rotation_policy: neutral");
  files.world_text.replace(neutral, std::string("rotation_policy: neutral").size(), "rotation_policy: none");
  if (allowed) {
    auto const vaults = files.settings.find("vaults: [treasury-hsm]");
    files.settings.insert(vaults, "set_neutral_rotation_policy: true\n    ");
  }
  LivingDaemon life(files);
  life.start();
  REQUIRE(life.run_until([&] { return life.settled(); }));
  Verdict const said = life.verdict(test::hsm_key);
  if (allowed) {
    CHECK(said.status == KeyStatus::ready);
    auto const events = life.events(EventKind::rotation_policy_set);
    REQUIRE(events.size() == 2);
    CHECK(events[0].event.outcome == EventOutcome::held);
    CHECK(events[1].event.outcome == EventOutcome::ok);
  } else {
    CHECK(said.status == KeyStatus::blocked);
    CHECK(said.sentence.find("rotation policy") != std::string::npos);
    CHECK(life.events(EventKind::rotation_done).size() == 2);
    CHECK(test::keys_at_clouds(life).at(test::hsm_key).versions.size() == 1);
  }
}

TEST_CASE("a second life finds nothing to do and moves no date") {
  LivingDaemon life(test::small_world());
  life.start();
  REQUIRE(life.run_until([&] { return life.settled(); }));
  auto const keys = test::keys_at_clouds(life);
  auto const due = life.verdict(test::vault_key).due;
  for (int i = 0; i < 20; ++i) {
    life.stop();
    life.start();
    life.run_for(std::chrono::hours(3));
    REQUIRE(life.verdict(test::vault_key).due == due);
  }
  CHECK(test::keys_at_clouds(life) == keys);
}

TEST_CASE("years pass and every key is rotated on each of its dates and on no other day") {
  LivingDaemon life(test::small_world());
  life.settings().inventory_every = std::chrono::hours(24);
  life.start();
  life.run_for(std::chrono::hours(24 * (365 * 2 + 10)));
  // Six months apart for two years and some days, from an overdue start: at once, and four times after.
  CHECK(test::keys_at_clouds(life).at(test::ibm_key).versions.size() == 1 + 5);
  CHECK(test::keys_at_clouds(life).at(test::vault_key).versions.size() == 2 + 5);
  test::require_deks_on_current_versions(life);
}

TEST_CASE("a lost answer to the rotation is settled by reading, never by doubling") {
  auto const [kind, host, path] = GENERATE(table<char const*, char const*, char const*>({
      {"reset-after", "payments-eu.*", "*/create"},
      {"reset-before", "payments-eu.*", "*/create"},
      {"truncate", "payments-eu.*", "*/create"},
      {"malformed-json", "payments-eu.*", "*/create"},
      {"html", "payments-eu.*", "*/create"},
      {"huge-body", "payments-eu.*", "*/create"},
      {"reset-after", "treasury-hsm.*", "*/rotate"},
      {"reset-before", "treasury-hsm.*", "*/rotate"},
      {"malformed-json", "treasury-hsm.*", "*/rotate"},
      {"reset-after", "us-south.*", "*/actions/rotate"},
      {"reset-before", "us-south.*", "*/actions/rotate"},
      {"expired-token", "us-south.*", "*/actions/rotate"},
      {"expired-token", "payments-eu.*", "*/create"},
  }));
  INFO(kind << " " << host << path);
  LivingDaemon life(test::small_world());
  life.cloud().faults().add(test::fault(kind, host, "POST", path));
  life.start();
  auto const before = test::keys_at_clouds(life);
  REQUIRE(life.run_until([&] { return life.settled(); }));
  for (char const* key : {test::vault_key, test::hsm_key, test::ibm_key}) {
    INFO(key);
    CHECK(test::keys_at_clouds(life).at(key).versions.size() == before.at(key).versions.size() + 1);
  }
  CHECK(test::keys_on_record(life) == test::keys_at_clouds(life));
  test::require_deks_on_current_versions(life);
}

TEST_CASE("an answer to a re-wrap that cannot be read delays one WDEK and blocks nothing") {
  auto const nth = GENERATE(0U, 1U);  // The one that proves the batch, and one of the others.
  CAPTURE(nth);
  LivingDaemon life(test::small_world());
  sim::FaultRule garbled = test::fault("malformed-json", "us-south.*", "POST", "*/actions/rewrap");
  garbled.skip = nth;
  life.cloud().faults().add(garbled);
  life.start();
  REQUIRE(life.run_until([&] { return life.settled(); }));
  CHECK(life.events(EventKind::rotation_done).size() == 3);
  CHECK(life.events(EventKind::rotation_blocked).empty());
  CHECK(life.events(EventKind::dek_refused).empty());
  test::require_deks_on_current_versions(life);
}

TEST_CASE("what is registered with a key is read again at the first inventory after its rotation") {
  LivingDaemon life(test::small_world());
  life.settings().inventory_every = std::chrono::hours(12);
  life.start();
  sim::Request made{.method = "POST", .host = std::string(sim::control_host), .target = "/registrations"};
  made.body =
      R"({"instance": "0a0a0a0a-0000-4000-8000-000000000001", "key": "0b0b0b0b-0000-4000-8000-000000000102",
          "crn": "crn:v1:bluemix:public:is:us-south:a/3f5a0c9e7d1b4826a0e4c7b9d2f61835::volume:r006-1",
          "registered": "yes"})";
  REQUIRE(life.cloud().handle(made, life.clock().wall_now()).answer.status == 201);
  REQUIRE(life.run_until([&] { return life.settled(); }));
  KeyRef const key = KeyRef::parse("ibm-prod/kp-main/0b0b0b0b-0000-4000-8000-000000000102").value();
  auto const on_new_version = [&] {
    auto const registered = life.store().registrations(key);
    auto const versions = life.store().versions(key);
    return registered && registered->size() == 1 && versions && versions->size() == 2 &&
           registered->front().version == versions->back().version.id;
  };
  // Some minutes after an inventory that reads the key, so that the next one would not by itself.
  life.run_for(std::chrono::hours(24));
  daemon::RotateRequest const request{.key = key.text(), .reason = "a test"};
  REQUIRE(life.daemon().rotate(request, "uid 0 (root)", 0));
  CHECK(life.run_until(on_new_version, std::chrono::hours(12) + std::chrono::minutes(10)));
}

TEST_CASE("a new version that shows up late is waited for and not made again") {
  LivingDaemon life(test::small_world());
  sim::FaultRule cut = test::fault("reset-after", "payments-eu.*", "POST", "*/create");
  sim::FaultRule late = cut;
  late.kind = sim::FaultKind::lag;
  late.lag = std::chrono::seconds(90);
  life.cloud().faults().add(late);
  life.cloud().faults().add(cut);
  life.start();
  REQUIRE(life.run_until([&] { return life.settled(); }));
  CHECK(test::keys_at_clouds(life).at(test::vault_key).versions.size() == 3);
  CHECK(test::keys_on_record(life) == test::keys_at_clouds(life));
}

TEST_CASE("throttling and outages delay a rotation and do not repeat it") {
  LivingDaemon life(test::small_world());
  for (char const* host : {"payments-eu.*", "treasury-hsm.*", "us-south.*", "login.*", "iam.*"}) {
    sim::FaultRule busy = test::fault("refuse", host, "*", "*");
    busy.status = 503;
    busy.probability = 0.3;
    busy.times = 40;
    life.cloud().faults().add(busy);
    sim::FaultRule throttled = test::fault("refuse", host, "*", "*");
    throttled.status = 429;
    throttled.retry_after = "7";
    throttled.probability = 0.2;
    throttled.times = 40;
    life.cloud().faults().add(throttled);
  }
  life.start();
  REQUIRE(life.run_until([&] { return life.settled(); }, std::chrono::hours(48)));
  CHECK(test::keys_at_clouds(life).at(test::vault_key).versions.size() == 3);
  CHECK(test::keys_at_clouds(life).at(test::hsm_key).versions.size() == 2);
  CHECK(test::keys_at_clouds(life).at(test::ibm_key).versions.size() == 2);
  test::require_deks_on_current_versions(life);
}

TEST_CASE("a person has a rotation that waits for its next try tried at once") {
  LivingDaemon life(test::small_world());
  bool down = false;
  life.start();
  life.network().unreachable = [&](std::string const& host) {
    return down && host == "us-south.kms.cloud.ibm.com";
  };
  std::optional<RotationId> id;
  auto const opened = [&] {
    for (auto const& recorded : life.events(EventKind::rotation_opened)) {
      if (recorded.event.key->text() == test::ibm_key) id = recorded.event.rotation;
    }
    return id.has_value();
  };
  REQUIRE(life.run_until(opened));
  down = true;
  life.run_for(std::chrono::hours(3));
  REQUIRE(life.verdict(test::ibm_key).next_try > life.clock().wall_now());

  down = false;
  REQUIRE(life.daemon().retry(*id, "anna"));
  REQUIRE(life.run_until([&] { return life.verdict(test::ibm_key).status == KeyStatus::ready; },
                         std::chrono::minutes(1)));
  CHECK_FALSE(life.daemon().retry(*id, "anna"));
}

TEST_CASE("a provider that cannot be reached holds nobody else up and is asked again") {
  LivingDaemon life(test::small_world());
  life.start();
  bool down = true;
  life.network().unreachable = [&](std::string const& host) { return down && host.starts_with("us-south"); };
  REQUIRE(life.run_until([&] { return life.events(EventKind::rotation_done).size() == 2; }));
  life.run_for(std::chrono::hours(2));
  auto const reports = life.daemon().status().providers;
  auto const ibm = std::ranges::find(reports, ProviderName("ibm-prod"), &daemon::ProviderReport::name);
  CHECK_FALSE(ibm->reachable);
  CHECK(ibm->last_error.find("nobody answers") != std::string::npos);
  down = false;
  REQUIRE(life.run_until([&] { return life.events(EventKind::rotation_done).size() == 3; }));
}

TEST_CASE("the cap of rotations an hour holds over restarts") {
  auto files = test::small_world();
  LivingDaemon life(files);
  life.settings().rotations.per_hour = 1;
  life.start();
  Instant const begin = life.clock().wall_now();
  REQUIRE(life.run_until([&] { return life.events(EventKind::rotation_done).size() == 1; }));
  life.stop();
  life.start();
  life.run_for(std::chrono::minutes(30));
  CHECK(life.events(EventKind::rotation_opened).size() == 1);
  REQUIRE(life.run_until([&] { return life.events(EventKind::rotation_done).size() == 3; }));
  auto const opened = life.events(EventKind::rotation_opened);
  REQUIRE(opened.size() == 3);
  CHECK(opened[1].event.at - opened[0].event.at >= std::chrono::minutes(59));
  CHECK(opened[2].event.at - begin >= std::chrono::minutes(119));
}

TEST_CASE("a key that could not be read at first is told like one seen for the first time once it can") {
  LivingDaemon life(test::small_world());
  life.cloud().faults().add(test::fault("malformed-json", "us-south.*", "GET", "*/versions"));
  life.start();
  REQUIRE(life.run_until([&] { return life.settled(); }));
  CHECK(life.events(EventKind::key_found).size() == 5);
  CHECK(life.events(EventKind::drift).empty());
  for (storage::RecordedEvent const& found : life.events(EventKind::version_found)) {
    CHECK(found.event.details.at("made_by") != "other");
  }
}

TEST_CASE("a key whose reading failed is read again soon and not at the next inventory") {
  LivingDaemon life(test::small_world());
  life.settings().inventory_every = std::chrono::hours(24 * 7);
  life.cloud().faults().add(test::fault("malformed-json", "us-south.*", "GET", "*/versions"));
  life.start();
  REQUIRE(life.run_until([&] { return life.events(EventKind::rotation_done).size() == 3; }));
}

TEST_CASE("broken policy files change nothing and are told until they are mended") {
  auto files = test::small_world();
  LivingDaemon life(files);
  life.start();
  REQUIRE(life.run_until([&] { return life.settled(); }));
  std::string const digest = life.daemon().status().policy_digest;
  life.write_policies("version: 1\npolicies:\n  - { name: all, match: { key: \"*\" }, evry: 1 month }\n");
  auto const refused = life.daemon().reload("a test");
  REQUIRE(refused);
  CHECK_FALSE(refused->applied);
  auto const status = life.daemon().status();
  REQUIRE_FALSE(status.reload_errors.empty());
  CHECK(status.reload_errors.front().find("all.yaml:3:") != std::string::npos);
  CHECK(status.policy_digest == digest);
  CHECK(life.events(EventKind::policies_refused).size() == 1);

  life.write_policies("version: 1\npolicies:\n  - { name: all, match: { key: \"*\" }, every: 12 months }\n");
  REQUIRE(life.daemon().reload("a test")->applied);
  CHECK(life.daemon().status().reload_errors.empty());
  CHECK(life.daemon().status().policy_digest != digest);
}

TEST_CASE("an edit that makes much of the fleet due at once is warned of and counted") {
  LivingDaemon life(test::small_world());
  life.start();
  REQUIRE(life.run_until([&] { return life.settled(); }));
  life.run_for(std::chrono::hours(24 * 40));
  life.settings().rotations.storm_hold.keys = 6;
  life.write_policies("version: 1\npolicies:\n  - { name: all, match: { key: \"*\" }, every: 1 month }\n");
  auto const answer = life.daemon().reload("a test");
  REQUIRE(answer);
  REQUIRE(answer->warnings.size() == 1);
  CHECK(answer->warnings.front().find("5 of 5 keys") != std::string::npos);
  CHECK(answer->warnings.front().find("within the cap of rotations per hour") != std::string::npos);
}

TEST_CASE("files that are broken from the start leave a daemon that says so and rotates nothing") {
  auto files = test::small_world();
  files.policies = "version: 1\npolicies: nonsense\n";
  LivingDaemon life(files);
  life.start();
  life.run_for(std::chrono::hours(5));
  CHECK(life.events(EventKind::rotation_opened).empty());
  CHECK_FALSE(life.daemon().status().reload_errors.empty());
  life.write_policies(test::small_world().policies);
  REQUIRE(life.daemon().reload("a test")->applied);
  REQUIRE(life.run_until([&] { return life.events(EventKind::rotation_done).size() == 3; }));
}

}  // namespace
}  // namespace rekeyd
