#include "policy/decision.hpp"

#include "tests/policy/key_maker.hpp"

#include <catch2/catch.hpp>

namespace rekeyd {
namespace {

using test::a_key;
using test::a_policy;
using test::a_version;
using test::at;

/// A key that is due since 2026-04-01; a test changes one thing and looks at the verdict.
struct Scene {
  RootKey key = a_key("cmk");
  std::vector<KeyVersion> versions{a_version("v1", "2026-01-01T00:00:00Z")};
  std::vector<RotationPolicy> policies{a_policy("p", {.key = "*"}, 3)};
  std::optional<Rotation> rotation;
  bool gone{}, provider_configured{true};
  std::string read_error;
  std::optional<std::chrono::seconds> floor;
  bool admitted{true};
  std::optional<BrakeFacts> brakes;
  Instant now = at("2026-04-01T00:00:05Z");
  bool restored_unread{};
  bool provider_tells_origin{};
  std::optional<std::chrono::days> rotation_month;
  Instant read_at = at("2026-04-01T00:00:00Z");
  std::vector<ResourceId> never_follow;

  Verdict decide() const {
    PolicyMatch const match = match_policy(policies, key);
    return rekeyd::decide({.key = key,
                           .versions = versions,
                           .match = match,
                           .rotation = rotation,
                           .provider_configured = provider_configured,
                           .gone = gone,
                           .read_error = read_error,
                           .rotation_floor = floor,
                           .provider_tells_origin = provider_tells_origin,
                           .admitted = admitted,
                           .never_follow = never_follow,
                           .brakes = brakes ? &*brakes : nullptr,
                           .overdue_after = std::chrono::hours(24),
                           .now = now,
                           .restored_unread = restored_unread,
                           .read_at = read_at,
                           .rotation_month = rotation_month});
  }
};

void expect(Scene const& scene, KeyStatus status, std::string const& reason) {
  Verdict const said = scene.decide();
  CHECK(std::string(to_text(said.status)) == to_text(status));
  CHECK(said.reason == reason);
  CHECK_FALSE(said.sentence.empty());
  CHECK(may_begin(said) == (status == KeyStatus::due || status == KeyStatus::overdue));
}

TEST_CASE("after a restore nothing of a key is believed before it was read, its rotation neither") {
  Scene scene;
  scene.restored_unread = true;
  expect(scene, KeyStatus::unknown, "database_restored");
  scene.rotation.emplace();
  expect(scene, KeyStatus::unknown, "database_restored");
  CHECK_FALSE(scene.decide().next_try);
  scene.rotation->state = RotationState::blocked;
  expect(scene, KeyStatus::unknown, "database_restored");
  scene.read_error = "HTML instead of JSON";
  CHECK(scene.decide().sentence.find("HTML instead of JSON") != std::string::npos);
}

TEST_CASE("a key of Azure Disk Encryption is not rotated unless the policy wants it all the same") {
  Scene scene;
  scene.never_follow = {ResourceId("vm-1"), ResourceId("vm-2")};
  expect(scene, KeyStatus::blocked, "used_by_disk_encryption");
  CHECK(scene.decide().sentence.find("vm-1, vm-2;") != std::string::npos);
  scene.now = at("2026-03-01T00:00:00Z");
  expect(scene, KeyStatus::ready, "within_cryptoperiod");
  scene.now = at("2026-04-01T00:00:05Z");
  scene.policies[0].disk_encryption_keys = DiskEncryptionKeys::rotate;
  expect(scene, KeyStatus::due, "cryptoperiod_over");
}

TEST_CASE("of many machines only some are named") {
  RotationPolicy const policy = a_policy("p", {.key = "*"}, 3);
  AppliedPolicy const applied{.policy = &policy, .every = policy.every, .mode = policy.mode, .place = {}};
  std::vector<ResourceId> const machines(25, ResourceId("vm"));
  auto const said = used_by_disk_encryption(&applied, machines);
  REQUIRE(said);
  CHECK(said->find("and 15 more") != std::string::npos);
  CHECK(used_by_disk_encryption(nullptr, machines));
  CHECK_FALSE(used_by_disk_encryption(nullptr, {}));
}

TEST_CASE("a key is ready before its date, due on it, overdue a day later") {
  Scene scene;
  expect(scene, KeyStatus::due, "cryptoperiod_over");
  scene.now = at("2026-03-31T23:59:59Z");
  expect(scene, KeyStatus::ready, "within_cryptoperiod");
  CHECK(scene.decide().next_try == at("2026-04-01T00:00:00Z"));
  scene.now = at("2026-04-02T00:00:00Z");
  expect(scene, KeyStatus::overdue, "cryptoperiod_over");
  CHECK(scene.decide().since == at("2026-04-01T00:00:00Z"));
}

TEST_CASE("without a policy, or with one that observes, nothing is rotated") {
  Scene scene;
  scene.policies.clear();
  expect(scene, KeyStatus::observed, "no_policy");
  scene.policies.push_back(a_policy("watch", {.key = "*"}, 3));
  scene.policies[0].mode = Mode::observe;
  expect(scene, KeyStatus::observed, "mode_observe");
  CHECK(scene.decide().due == at("2026-04-01T00:00:00Z"));
}

TEST_CASE("two policies of equal precision block the key and are both named") {
  Scene scene;
  scene.policies.push_back(a_policy("q", {.key = "*"}, 6));
  expect(scene, KeyStatus::blocked, "policy_conflict");
  std::string const sentence = scene.decide().sentence;
  CHECK(sentence.find("p.yaml:3:5") != std::string::npos);
  CHECK(sentence.find("q.yaml:3:5") != std::string::npos);
}

TEST_CASE("what the provider says of the key comes before the calendar") {
  Scene scene;
  SECTION("gone") {
    scene.gone = true;
    expect(scene, KeyStatus::observed, "gone");
  }
  SECTION("deleted") {
    scene.key.state = KeyState::destroyed;
    expect(scene, KeyStatus::observed, "destroyed");
  }
  SECTION("its provider is no longer configured") {
    scene.provider_configured = false;
    expect(scene, KeyStatus::observed, "provider_removed");
  }
  SECTION("unreadable") {
    scene.read_error = "HTML instead of JSON";
    expect(scene, KeyStatus::unknown, "unreadable");
    CHECK(scene.decide().sentence.find("HTML instead of JSON") != std::string::npos);
  }
  SECTION("never read") {
    scene.versions.clear();
    expect(scene, KeyStatus::unknown, "unreadable");
  }
  SECTION("a certificate's key") {
    scene.key.managed_elsewhere = true;
    expect(scene, KeyStatus::observed, "managed_elsewhere");
  }
  SECTION("disabled") {
    scene.key.state = KeyState::suspended;
    expect(scene, KeyStatus::blocked, "key_suspended");
  }
  SECTION("imported") {
    scene.key.origin = Origin::imported;
    expect(scene, KeyStatus::blocked, "imported_needs_material");
  }
  SECTION("imported, and its policy names a source of material") {
    scene.key.origin = Origin::imported;
    scene.policies[0].material = MaterialSourceName("key-room");
    expect(scene, KeyStatus::due, "cryptoperiod_over");
    CHECK(scene.decide().sentence.ends_with(", with material from key-room"));
  }
  SECTION("imported, as its policy says where the provider does not tell") {
    scene.policies[0].keys.push_back({.key = "cmk", .material = MaterialSourceName("key-room")});
    CHECK(scene.decide().sentence.ends_with(", with material from key-room"));
    scene.key.tags = {{"rekeyd-origin", "generated"}};
    CHECK(scene.decide().sentence.ends_with("by policy p"));
    scene.key.tags.clear();
    scene.provider_tells_origin = true;
    CHECK(scene.decide().sentence.ends_with("by policy p"));
  }
  SECTION("rotated by the provider too") {
    scene.key.provider_rotation = ProviderRotation{true, "P90D"};
    expect(scene, KeyStatus::blocked, "provider_rotates_too");
  }
  SECTION("the provider's own rotation is there but off") {
    scene.key.provider_rotation = ProviderRotation{false, ""};
    expect(scene, KeyStatus::due, "cryptoperiod_over");
  }
}

TEST_CASE("an observed key that its provider rotates is told so") {
  Scene scene;
  scene.policies[0].mode = Mode::observe;
  scene.key.provider_rotation = ProviderRotation{true, "P90D"};
  expect(scene, KeyStatus::observed, "mode_observe");
  CHECK(scene.decide().sentence.ends_with("; the provider rotates this key by itself (every P90D)"));
}

TEST_CASE("a disabled key that is not due yet is merely ready") {
  Scene scene;
  scene.key.state = KeyState::suspended;
  scene.now = at("2026-03-01T00:00:00Z");
  expect(scene, KeyStatus::ready, "within_cryptoperiod");
}

TEST_CASE("a key that was only just found waits until the look that found it has ended") {
  Scene scene;
  scene.admitted = false;
  expect(scene, KeyStatus::waiting, "first_look");
  CHECK(scene.decide().waits_for == WaitsFor::provider_answer);
}

TEST_CASE("the provider's floor and our cap make a due key wait, and say until when") {
  Scene scene;
  scene.floor = std::chrono::hours(1);
  scene.key.last_rotated = scene.now - std::chrono::minutes(59);
  expect(scene, KeyStatus::waiting, "provider_floor");
  CHECK(scene.decide().waits_for == WaitsFor::provider_hour);
  CHECK(scene.decide().next_try == scene.now + std::chrono::minutes(1));
  scene.key.last_rotated = scene.now - std::chrono::minutes(60);
  expect(scene, KeyStatus::due, "cryptoperiod_over");
  scene.brakes = BrakeFacts{.holds = {}, .clock_checked = true, .caps = {}};
  expect(scene, KeyStatus::due, "cryptoperiod_over");
  scene.brakes->caps.push_back({.scope = BrakeScope::of(PolicyName("p")),
                                .in_flight_max = std::nullopt,
                                .in_flight = 0,
                                .hour_free_at = scene.now + std::chrono::minutes(10)});
  expect(scene, KeyStatus::waiting, "rotations_per_hour");
  CHECK(scene.decide().waits_for == WaitsFor::quota);
  CHECK(scene.decide().next_try == scene.now + std::chrono::minutes(10));
  CHECK(scene.decide().since == at("2026-04-01T00:00:00Z"));
}

TEST_CASE("an unfinished rotation is what is said of its key, whatever the calendar says") {
  Scene scene;
  scene.rotation.emplace();
  scene.rotation->id = RotationId("r1");
  expect(scene, KeyStatus::rotating, "rotation_open");
  scene.rotation->next_try = scene.now + std::chrono::minutes(3);
  CHECK(scene.decide().next_try == scene.rotation->next_try);
  scene.rotation->state = RotationState::blocked;
  scene.rotation->blocked_reason = "access_error";
  expect(scene, KeyStatus::blocked, "access_error");
}

TEST_CASE("a rotation that fails five times in a row, or still after a day, is said to be failing") {
  Scene scene;
  scene.rotation.emplace();
  scene.rotation->id = RotationId("r1");
  scene.rotation->step = Step::propagate;
  scene.rotation->message = "nobody answers";
  scene.rotation->opened = scene.now - std::chrono::hours(23);
  scene.rotation->updated = scene.now;
  scene.rotation->attempts = 4;
  expect(scene, KeyStatus::rotating, "rotation_open");
  scene.rotation->attempts = 5;
  expect(scene, KeyStatus::rotating, "rotation_failing");
  CHECK(scene.decide().sentence ==
        "rotation r1 is at step propagate, which has failed 5 times in a row: nobody answers");
  scene.rotation->attempts = 1;
  scene.rotation->opened = scene.now - std::chrono::hours(24);
  expect(scene, KeyStatus::rotating, "rotation_failing");
  scene.rotation->attempts = 0;  // it waits for something, or has just gone on
  expect(scene, KeyStatus::rotating, "rotation_open");
}

TEST_CASE("a rotation does not rest until a moment that a clock has named which is set back since") {
  Scene scene;
  scene.rotation.emplace();
  scene.rotation->next_try = scene.now + std::chrono::hours(240);
  scene.rotation->updated = scene.now + std::chrono::hours(239);
  CHECK_FALSE(scene.decide().next_try);
  scene.rotation->updated = scene.now + std::chrono::minutes(4);  // two clocks may differ so much
  CHECK(scene.decide().next_try == scene.rotation->next_try);
}

}  // namespace
}  // namespace rekeyd
