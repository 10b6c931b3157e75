// Disk encryption sets follow their key, whatever becomes of the way there.
#include "tests/workflow/azure_world.hpp"
#include "tests/workflow/behind_our_back.hpp"
#include "tests/workflow/small_world.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

namespace rekeyd {
namespace {

using namespace std::chrono_literals;
using test::disks_key;
using test::disks_world;
using test::done;
using test::LivingDaemon;
using test::on_current_version;
using test::on_record;
using test::opened;

constexpr char const* one_pinned = "- { name: pinned, key: payments-eu/cmk-disks }";
constexpr char const* patch = "PATCH management.azure.com";

std::string blocked_reason(LivingDaemon& life) {
  auto const rotations = life.store().rotations(*KeyRef::parse(disks_key), 1).value();
  return rotations.empty() ? "" : rotations.front().blocked_reason;
}

Rotation newest(LivingDaemon& life) {
  return life.store().rotations(*KeyRef::parse(disks_key), 1).value().at(0);
}

TEST_CASE("disk encryption sets are found, with how they follow and what lives on them") {
  LivingDaemon life(disks_world(R"(- { name: pinned, key: payments-eu/cmk-fresh }
- { name: follower, key: payments-eu/cmk-fresh, rotation_to_latest: true }
- { name: confidential, key: payments-eu/cmk-fresh, type: confidential-vm }
- { name: elsewhere, key: payments-eu/cmk-disks, identity: None }
)",
                                R"(      virtual_machines:
        - { name: "vm-{n}", count: 2, disk_encryption_set: pinned, data_disks: 1 }
        - { name: secret, security: confidential, disk_encryption_set: confidential }
)"));
  life.start();
  REQUIRE(life.run_until(
      [&] { return life.store().registrations_under("/subscriptions/").value().size() == 4; }));
  Registration const pinned = on_record(life, "pinned");
  CHECK(pinned.kind == "disk-encryption-set");
  CHECK(pinned.key.text() == "azure-prod/payments-eu/cmk-fresh");
  CHECK(pinned.version == VersionId(test::current_version(life, pinned.key.text())));
  CHECK(pinned.following == Following::when_told);
  CHECK_FALSE(pinned.condition);
  std::size_t machines = 0;
  for (ResourceId const& tied : pinned.tied)
    machines += tied.str().find("/virtualmachines/vm-") != std::string::npos;
  CHECK(machines == 2);
  CHECK(pinned.tied.size() > machines);  // Their disks.
  CHECK(on_record(life, "follower").following == Following::by_itself);
  CHECK(on_record(life, "confidential").following == Following::when_told_at_rest);
  CHECK_FALSE(on_record(life, "confidential").tied.empty());
  REQUIRE(on_record(life, "elsewhere").condition);
  CHECK(on_record(life, "elsewhere").condition->word == "no_identity");
  CHECK(life.events(EventKind::registration_found).size() == 4);
}

TEST_CASE("a rotation moves the sets that pin a version and waits for those that follow") {
  LivingDaemon life(disks_world(R"(- { name: pinned, key: payments-eu/cmk-disks }
- { name: follower, key: payments-eu/cmk-disks, rotation_to_latest: true }
)"));
  life.start();
  REQUIRE(life.run_until([&] { return done(life) == 1; }));
  CHECK(on_current_version(life, "pinned"));
  CHECK(on_current_version(life, "follower"));
  CHECK(life.network().count(patch) == 1);
  CHECK(on_record(life, "pinned").version == newest(life).new_version);
  CHECK(life.events(EventKind::registration_moved).size() == 2);
  auto const asked = life.store().resource_changes(newest(life).id).value();
  REQUIRE(asked.size() == 1);
  CHECK(asked[0].outcome == "done");
  CHECK(asked[0].ended_at > asked[0].asked_at);
  CHECK_FALSE(asked[0].request_id.empty());
  CHECK(life.events(EventKind::drift).empty());
  life.run_for(test::days(3));
  CHECK(opened(life) == 1);
  CHECK(life.network().count(patch) == 1);
}

TEST_CASE("a set that follows to a version that someone made meanwhile has followed") {
  LivingDaemon life(
      disks_world("- { name: follower, key: payments-eu/cmk-disks, rotation_to_latest: true }"));
  life.start();
  auto const waits_for_it = [&] {
    auto const rotations = life.store().rotations(*KeyRef::parse(disks_key), 1).value();
    return !rotations.empty() && rotations.front().message.ends_with("takes the new version up by itself");
  };
  REQUIRE(life.run_until(waits_for_it));
  test::act_at_azure(life, "POST", "payments-eu.vault.azure.net", "/keys/cmk-disks/rotate");
  life.run_for(test::days(2));
  CHECK(done(life) == 1);
  CHECK(opened(life) == 1);
  CHECK(on_current_version(life, "follower"));
  CHECK(newest(life).new_version_made_by == MadeBy::other);
  CHECK(on_record(life, "follower").version == newest(life).new_version);
  CHECK(life.events(EventKind::rotation_blocked).empty());
  CHECK(life.events(EventKind::drift).size() == 1);
}

TEST_CASE("an answer to the change that is lost changes nothing in its end") {
  char const* const fate = GENERATE("reset-before", "reset-after", "refuse");
  LivingDaemon life(disks_world(one_pinned));
  life.cloud().faults().add(test::fault(fate, "management.azure.com", "PATCH", "*"));
  life.start();
  REQUIRE(life.run_until([&] { return done(life) == 1; }));
  CHECK(on_current_version(life, "pinned"));
}

TEST_CASE("a life that ends in the middle of a change goes on following it in the next") {
  LivingDaemon life(disks_world(one_pinned));
  life.start();
  REQUIRE(life.run_until([&] { return life.network().count(patch) == 1; }));
  life.run_for(1s);
  life.crash();
  life.start();
  REQUIRE(life.run_until([&] { return done(life) == 1; }));
  CHECK(on_current_version(life, "pinned"));
  CHECK(life.network().count(patch) == 0);  // Of this life: what was asked is followed, not repeated.
  auto const asked = life.store().resource_changes(newest(life).id).value();
  REQUIRE(asked.size() == 1);
  CHECK(asked[0].outcome == "done");
}

TEST_CASE("a change that fails is asked for again until it succeeds") {
  LivingDaemon life(disks_world("- { name: pinned, key: payments-eu/cmk-disks, key_access: false }"));
  life.start();
  REQUIRE(life.run_until([&] { return life.network().count(patch) == 2; }));
  test::people(life, "/disk-encryption-sets",
               fmt::format(R"({{"id":"{}","act":"allow-key"}})", test::set_id("pinned")));
  REQUIRE(life.run_until([&] { return done(life) == 1; }));
  CHECK(on_current_version(life, "pinned"));
  auto const asked = life.store().resource_changes(newest(life).id).value();
  REQUIRE(asked.size() >= 2);
  CHECK(asked.front().outcome == "failed");
  CHECK_FALSE(asked.front().message.empty());
  CHECK(asked.back().outcome == "done");
}

TEST_CASE("a set that never takes the version up blocks its rotation with what its provider said") {
  LivingDaemon life(disks_world("- { name: pinned, key: payments-eu/cmk-disks, key_access: false }"));
  life.start();
  REQUIRE(life.run_until([&] { return !blocked_reason(life).empty(); }));
  CHECK(blocked_reason(life) == "resource_refuses_version");
  CHECK(life.network().count(patch) == 5);
  CHECK(newest(life).remedy.find("rekeyctl retry") != std::string::npos);
  CHECK(newest(life).message.find("KeyVault") != std::string::npos);
}

TEST_CASE("a set that somebody points at an older version is drift, and follows again") {
  LivingDaemon life(disks_world(one_pinned));
  life.start();
  REQUIRE(life.run_until([&] { return done(life) == 1; }));
  std::string const old = newest(life).base_version->str();
  test::people(
      life, "/disk-encryption-sets",
      fmt::format(
          R"({{"id":"{}","act":"set-key","key_url":"https://payments-eu.vault.azure.net/keys/cmk-disks/{}"}})",
          test::set_id("pinned"), old));
  REQUIRE(life.run_until([&] { return done(life) == 2; }));
  CHECK(on_current_version(life, "pinned"));
  CHECK(newest(life).trigger == Trigger::drift);
  auto const told = life.events(EventKind::drift);
  REQUIRE(told.size() == 1);
  CHECK(told[0].event.details.at("resource") == test::set_id("pinned"));
  life.run_for(test::days(2));
  CHECK(opened(life) == 2);
}

TEST_CASE("a set of an observed key that is left behind is told and left alone") {
  LivingDaemon life(disks_world("- { name: pinned, key: payments-eu/cmk-fresh, versions_behind: 1 }"));
  life.write_policies(R"(version: 1
policies:
  - { name: all, match: { key: "*" }, every: 6 months, mode: observe }
)");
  life.start();
  REQUIRE(life.run_until([&] { return !life.events(EventKind::drift).empty(); }));
  life.run_for(test::days(2));
  CHECK(opened(life) == 0);
  CHECK(life.events(EventKind::drift).size() == 1);
  CHECK(life.network().count(patch) == 0);
}

TEST_CASE("a rotation that a person gave up is not begun again for the same resource") {
  LivingDaemon life(
      disks_world("- { name: pinned, key: payments-eu/cmk-fresh, versions_behind: 1, key_access: false }"));
  life.write_policies(R"(version: 1
policies:
  - { name: all, match: { key: cmk-fresh }, every: 6 months }
)");
  life.start();
  auto const fresh = *KeyRef::parse("azure-prod/payments-eu/cmk-fresh");
  REQUIRE(life.run_until([&] {
    auto const rotations = life.store().rotations(fresh, 1).value();
    return !rotations.empty() && rotations.front().state == RotationState::blocked;
  }));
  RotationId const id = life.store().rotations(fresh, 1).value().front().id;
  life.run_for(1s);
  auto const abandoned = life.daemon().abandon(id, {"it stays where it is"}, "uid 1000 (anna)");
  if (!abandoned) FAIL(to_text(abandoned.error()));
  life.run_for(test::days(2));
  CHECK(opened(life) == 1);
}

TEST_CASE("without the right to change the set the rotation blocks, with the right to ask for and the code") {
  LivingDaemon life(disks_world(one_pinned, R"(      permissions:
        - { client: 66666666-7777-4888-8999-000000000001, actions: ["*"],
            not_actions: [Microsoft.Compute/diskEncryptionSets/write] }
)"));
  life.start();
  REQUIRE(life.run_until([&] { return !blocked_reason(life).empty(); }, test::days(2)));
  Rotation const rotation = newest(life);
  CHECK(rotation.blocked_reason == "resource_refuses_version");
  CHECK(rotation.message.find("AuthorizationFailed") != std::string::npos);
}

TEST_CASE("no key is rotated before it is known which resources use it") {
  LivingDaemon life(disks_world(one_pinned));
  sim::FaultRule down = test::fault("refuse", "management.azure.com", "*", "*");
  down.times = std::nullopt;
  life.cloud().faults().add(down);
  life.start();
  life.run_for(3h);
  CHECK(life.network().count("POST payments-eu.vault.azure.net/keys/cmk-disks/rotate") == 0);
  CHECK(life.network().count("POST payments-eu.vault.azure.net/keys/cmk-disks/create") == 0);
  REQUIRE(opened(life) == 1);
  CHECK(newest(life).message.find("which resources use the key") != std::string::npos);
  life.cloud().faults().clear();
  REQUIRE(life.run_until([&] { return done(life) == 1; }));
  CHECK(on_current_version(life, "pinned"));
}

TEST_CASE("a set whose identity is gone, or that stopped following, blocks with that as the reason") {
  auto const [set, reason] = GENERATE(table<char const*, char const*>({
      {"- { name: pinned, key: payments-eu/cmk-disks, identity: None }", "no_identity"},
      {"- { name: follower, key: payments-eu/cmk-disks, rotation_to_latest: true, "
       "auto_rotation_error: ManagedServiceIdentityNotFound }",
       "following_stopped"},
  }));
  LivingDaemon life(disks_world(set));
  life.start();
  REQUIRE(life.run_until([&] { return !blocked_reason(life).empty(); }));
  CHECK(blocked_reason(life) == reason);
}

}  // namespace
}  // namespace rekeyd
