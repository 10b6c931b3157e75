#include "policy/upkeep.hpp"

#include "tests/policy/key_maker.hpp"

#include <catch2/catch.hpp>

namespace rekeyd {
namespace {

using test::a_key;
using test::a_policy;
using test::a_version;
using test::at;

/// A key rotated on 1 April, and a policy that a test gives its wishes.
struct Scene {
  RootKey key = a_key("cmk");
  std::vector<KeyVersion> versions{a_version("v1", "2026-01-01T00:00:00Z"),
                                   a_version("v2", "2026-04-01T00:00:00Z")};
  RotationPolicy policy = a_policy("p", {.key = "*"}, 3);
  Mode mode{Mode::enforce};
  UpkeepAbilities can{.provider_rotation = true, .version_expiry = true, .disabling = true, .tags = true};
  bool rotation_unfinished{};
  std::optional<Replaced> replaced;
  Instant now = at("2026-04-02T00:00:00Z");
  std::vector<Registration> registrations;
  std::string unknown;

  Scene() {
    key.current = VersionId("v2");
    key.current_created = versions.back().created;
  }

  AppliedPolicy applied() const {
    return {.policy = &policy, .every = policy.every, .mode = mode, .place = policy.place};
  }
  std::vector<UpkeepTask> tasks() const {
    AppliedPolicy const by = applied();
    return upkeep_tasks({key, versions, by, can, rotation_unfinished, replaced, now});
  }
  std::vector<Retirement> retirements() const {
    AppliedPolicy const by = applied();
    return rekeyd::retirements({key, versions, by, can, rotation_unfinished, replaced, now},
                               {registrations, unknown});
  }
};

Registration used(char const* resource, std::optional<VersionId> version) {
  Registration registration;
  registration.resource = ResourceId(resource);
  registration.version = std::move(version);
  return registration;
}

TEST_CASE("a policy that wants nothing kept leads to no task") { CHECK(Scene().tasks().empty()); }

TEST_CASE("the current version gets the policy's expiry, in calendar months from its creation") {
  Scene scene;
  scene.policy.upkeep.versions_expire_after = ExpiryMonths::of(18);
  REQUIRE(scene.tasks().size() == 1);
  CHECK(scene.tasks()[0] == UpkeepTask(SetVersionExpiry{VersionId("v2"), at("2027-10-01T00:00:00Z")}));
  scene.versions.back().expires = at("2027-10-01T00:00:00Z");
  CHECK(scene.tasks().empty());
}

TEST_CASE("an expiry is made earlier, never later, and never put into the past") {
  Scene scene;
  scene.policy.upkeep.versions_expire_after = ExpiryMonths::of(6);
  scene.versions.back().expires = at("2026-09-01T00:00:00Z");
  CHECK(scene.tasks().empty());
  scene.versions.back().expires = at("2026-12-01T00:00:00Z");
  REQUIRE(scene.tasks().size() == 1);
  scene.now = at("2026-10-01T00:00:00Z");
  CHECK(scene.tasks().empty());
}

TEST_CASE("an expiry counts in the policy's zone and is clamped at a month's end") {
  Scene scene;
  scene.policy.upkeep.versions_expire_after = ExpiryMonths::of(4);
  scene.versions.back().created = at("2026-10-31T12:00:00Z");
  scene.now = at("2026-11-01T00:00:00Z");
  REQUIRE(scene.tasks().size() == 1);
  CHECK(std::get<SetVersionExpiry>(scene.tasks()[0]).expires == at("2027-02-28T12:00:00Z"));
}

TEST_CASE("the tag of the last rotation is set once, and never for a key's first version") {
  Scene scene;
  scene.policy.upkeep.tag_rotations = true;
  REQUIRE(scene.tasks().size() == 1);
  CHECK(scene.tasks()[0] == UpkeepTask(TagRotation{VersionId("v2"), at("2026-04-01T00:00:00Z")}));
  scene.key.tags[rotated_at_tag] = "2026-04-01T00:00:00Z";
  CHECK(scene.tasks().empty());
  scene.key.tags[rotated_at_tag] = "2026-01-01T00:00:00Z";
  CHECK(scene.tasks().size() == 1);
  scene.versions.erase(scene.versions.begin());
  CHECK(scene.tasks().empty());
}

TEST_CASE("the provider's own rotation is set where the policy leaves the rotation to it") {
  Scene scene;
  scene.mode = Mode::delegate;
  CHECK(scene.tasks().empty());  // It has not been told what is set.
  scene.key.provider_rotation = ProviderRotation{};
  REQUIRE(scene.tasks().size() == 1);
  CHECK(std::get<SetProviderRotation>(scene.tasks()[0]).every == *Months::of(3));
  scene.key.provider_rotation = {.enabled = true, .interval = "P3M", .months = 3};
  CHECK(scene.tasks().empty());
  scene.key.provider_rotation->months = 4;
  CHECK(scene.tasks().size() == 1);
  scene.can.month_days = 30;
  scene.key.provider_rotation = {.enabled = true, .interval = "3 months of 30 days", .days = 90};
  CHECK(scene.tasks().empty());
  scene.key.provider_rotation->enabled = false;
  REQUIRE(scene.tasks().size() == 1);
  CHECK(std::get<SetProviderRotation>(scene.tasks()[0]).month == std::chrono::days(30));
  scene.key.origin = Origin::imported;
  CHECK(scene.tasks().empty());
  scene.key.origin = Origin::generated;
  scene.mode = Mode::enforce;
  CHECK(scene.tasks().empty());
}

TEST_CASE("nothing is set in mode observe, under a rotation, or at a key that is not ours or not active") {
  Scene scene;
  scene.policy.upkeep.tag_rotations = true;
  scene.policy.upkeep.retire = RetireRules{std::chrono::days(1), RetireBy::expiry};
  scene.policy.upkeep.versions_expire_after = ExpiryMonths::of(18);
  REQUIRE(scene.tasks().size() == 2);
  REQUIRE(scene.retirements().size() == 1);
  SECTION("observe") { scene.mode = Mode::observe; }
  SECTION("a certificate's key") { scene.key.managed_elsewhere = true; }
  SECTION("a disabled key") { scene.key.state = KeyState::suspended; }
  SECTION("no current version") { scene.key.current.reset(); }
  SECTION("a provider that has nothing of it") { scene.can = {}; }
  CHECK(scene.tasks().empty());
  CHECK(scene.retirements().empty());
}

TEST_CASE("an unfinished rotation holds upkeep, and retirements say so") {
  Scene scene;
  scene.policy.upkeep.tag_rotations = true;
  scene.policy.upkeep.retire = RetireRules{std::chrono::days(1), RetireBy::expiry};
  scene.rotation_unfinished = true;
  CHECK(scene.tasks().empty());
  REQUIRE(scene.retirements().size() == 1);
  CHECK(scene.retirements()[0].held_by == "a rotation of the key is not finished");
}

TEST_CASE("an old version's grace time counts from the version after it") {
  Scene scene;
  scene.versions.push_back(a_version("v3", "2026-07-01T00:00:00Z"));
  scene.key.current = VersionId("v3");
  scene.policy.upkeep.retire = RetireRules{std::chrono::days(30), RetireBy::disabling};
  auto const all = scene.retirements();
  REQUIRE(all.size() == 2);
  CHECK(all[0] == Retirement{VersionId("v1"), RetireBy::disabling, at("2026-05-01T00:00:00Z"), ""});
  CHECK(all[1] == Retirement{VersionId("v2"), RetireBy::disabling, at("2026-07-31T00:00:00Z"), ""});
}

TEST_CASE("what is out of use already is not retired again") {
  Scene scene;
  scene.policy.upkeep.retire = RetireRules{std::chrono::days(1), RetireBy::expiry};
  scene.versions.front().expires = at("2026-04-01T12:00:00Z");
  CHECK(scene.retirements().empty());
  scene.policy.upkeep.retire->by = RetireBy::disabling;
  CHECK(scene.retirements().size() == 1);
  scene.versions.front().enabled = false;
  CHECK(scene.retirements().empty());
}

TEST_CASE("whoever may need an old version holds its retirement, and is named") {
  Scene scene;
  scene.policy.upkeep.retire = RetireRules{std::chrono::days(1), RetireBy::disabling};
  auto const held_by = [&] { return scene.retirements().at(0).held_by; };
  CHECK(held_by().empty());
  scene.registrations = {used("des-1", VersionId("v2"))};
  CHECK(held_by().empty());
  scene.registrations = {used("des-1", VersionId("v1"))};
  CHECK(held_by() == "des-1 uses it");
  scene.registrations = {used("des-1", std::nullopt)};
  CHECK(held_by() == "des-1 does not tell which version it uses");
  scene.registrations = {used("des-1", VersionId("v0"))};
  CHECK(held_by() == "des-1 is not on the current version");
  scene.registrations = {used("des-1", VersionId("v2"))};
  scene.registrations[0].condition = ResourceCondition{"partly_moved", "it keeps its old key", ""};
  CHECK(held_by() == "des-1: it keeps its old key");
  scene.registrations = {used("vm-1", VersionId("v2"))};
  scene.registrations[0].following = Following::never;
  CHECK(held_by() == "vm-1 is set up for one version of the key for good");
  scene.registrations.clear();
  scene.unknown = "nobody looks";
  CHECK(held_by() == "nobody looks");
}

TEST_CASE("what keeps something that one old version can read holds that version, and no other") {
  Scene scene;
  scene.policy.upkeep.retire = RetireRules{.after = std::chrono::days(1), .by = RetireBy::disabling};
  scene.versions.insert(scene.versions.begin(), a_version("v0", "2025-10-01T00:00:00Z"));
  Registration backups = used("/backups", VersionId("v1"));
  backups.following = Following::past;
  scene.registrations = {used("/server", VersionId("v2")), backups};
  REQUIRE(scene.retirements().size() == 2);
  CHECK(scene.retirements()[0].held_by.empty());
  CHECK(scene.retirements()[1].held_by == "/backups keeps what only it can read, like backups");
  scene.registrations = {backups};
  scene.replaced = Replaced{*KeyRef::parse("p/v/next"), at("2026-04-01T12:00:00Z")};
  REQUIRE(scene.retirements().size() == 3);
  CHECK(scene.retirements()[0].held_by.empty());
  CHECK_FALSE(scene.retirements()[1].held_by.empty());
  CHECK(scene.retirements()[2].held_by.empty());
}

TEST_CASE("of a key that was replaced every version goes, the last one counted from the replacement") {
  Scene scene;
  scene.policy.upkeep.retire = RetireRules{.after = std::chrono::days(30), .by = RetireBy::disabling};
  scene.policy.upkeep.versions_expire_after = ExpiryMonths::of(18);
  scene.replaced = Replaced{*KeyRef::parse("azure-prod/new/cmk"), at("2026-05-01T00:00:00Z")};
  CHECK(scene.tasks().empty());
  auto const all = scene.retirements();
  REQUIRE(all.size() == 2);
  CHECK(all[0].from == at("2026-05-01T00:00:00Z"));
  CHECK(all[1].version == VersionId("v2"));
  CHECK(all[1].from == at("2026-05-31T00:00:00Z"));
  CHECK(all[1].held_by.empty());
  scene.registrations = {used("disk", VersionId("v2"))};
  for (Retirement const& each : scene.retirements()) CHECK(each.held_by == "disk uses the key");
}

}  // namespace
}  // namespace rekeyd
