// Storage accounts follow their key, whatever becomes of the way there.
#include "tests/workflow/azure_world.hpp"
#include "tests/workflow/small_world.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

namespace rekeyd {
namespace {

using namespace std::chrono_literals;
using test::disks_key;
using test::done;
using test::LivingDaemon;
using test::opened;

constexpr char const* patch = "PATCH management.azure.com";

/// `accounts`: lines of a world file's `storage_accounts`.
LivingDaemon::Files storage_world(std::string const& accounts, std::string const& more = "") {
  return test::disks_world("[]", "      storage_accounts:\n" + test::indented(accounts, 8) + more);
}

Registration account(LivingDaemon& life, std::string const& name) {
  auto const id = fmt::format(
      "/subscriptions/99999999-aaaa-4bbb-8ccc-000000000001/resourcegroups/apps/providers/microsoft.storage/"
      "storageaccounts/{}",
      name);
  auto const registrations = life.store().registrations_under(id).value();
  REQUIRE(registrations.size() == 1);
  return registrations.front();
}

Rotation newest(LivingDaemon& life) {
  return life.store().rotations(*KeyRef::parse(disks_key), 1).value().at(0);
}

TEST_CASE("a rotation moves the storage accounts that pin a version and waits for those that follow") {
  LivingDaemon life(storage_world(R"(- { name: pinned1, key: payments-eu/cmk-disks, pins_version: true }
- { name: follower1, key: payments-eu/cmk-disks }
- { name: microsoft1 }
)"));
  life.start();
  REQUIRE(life.run_until([&] { return done(life) == 1; }, test::days(3)));
  Rotation const rotation = newest(life);
  CHECK(account(life, "pinned1").version == rotation.new_version);
  CHECK(account(life, "pinned1").following == Following::when_told);
  CHECK(account(life, "follower1").version == rotation.new_version);
  CHECK(account(life, "follower1").following == Following::by_itself);
  CHECK(life.network().count(patch) == 1);
  CHECK(life.events(EventKind::registration_moved).size() == 2);
  auto const asked = life.store().resource_changes(rotation.id).value();
  REQUIRE(asked.size() == 1);
  CHECK(asked[0].outcome == "done");
  CHECK(life.store().registrations_under("/subscriptions/").value().size() == 2);
  life.run_for(test::days(3));
  CHECK(opened(life) == 1);
  CHECK(life.network().count(patch) == 1);
}

TEST_CASE("an answer to an account's change that is lost, or a life that ends there, changes nothing") {
  LivingDaemon life(storage_world("- { name: pinned1, key: payments-eu/cmk-disks, pins_version: true }"));
  char const* const fate = GENERATE("reset-before", "reset-after", "crash");
  bool const crashes = std::string_view(fate) == "crash";
  if (!crashes) life.cloud().faults().add(test::fault(fate, "management.azure.com", "PATCH", "*"));
  life.start();
  if (crashes) {
    REQUIRE(life.run_until([&] { return life.network().count(patch) == 1; }));
    life.crash();
    life.start();
  }
  REQUIRE(life.run_until([&] { return done(life) == 1; }));
  CHECK(account(life, "pinned1").version == newest(life).new_version);
}

TEST_CASE("an account that cannot use its key blocks the rotation with what its provider said") {
  auto const [line, reason] = GENERATE(table<char const*, char const*>({
      {"- { name: pinned1, key: payments-eu/cmk-disks, pins_version: true, identity: None }", "no_identity"},
      {"- { name: pinned1, key: payments-eu/cmk-disks, pins_version: true, key_access: false }",
       "KeyVaultAccessForbidden"},
      {"- { name: follower1, key: payments-eu/cmk-disks, key_access: false }", "resource_not_following"},
  }));
  LivingDaemon life(storage_world(line));
  life.start();
  REQUIRE(life.run_until([&] { return opened(life) == 1 && !newest(life).blocked_reason.empty(); },
                         test::days(3)));
  CHECK(newest(life).blocked_reason == reason);
}

TEST_CASE("an account that somebody pins to an older version is drift, and is taken along") {
  LivingDaemon life(storage_world(
      "- { name: behind1, key: payments-eu/cmk-fresh, pins_version: true, versions_behind: 1 }"));
  life.start();
  REQUIRE(life.run_until([&] { return life.network().count(patch) == 1 && life.settled(); }));
  REQUIRE(life.events(EventKind::drift).size() == 1);
  auto const current = test::current_version(life, "azure-prod/payments-eu/cmk-fresh");
  REQUIRE(life.run_until([&] { return account(life, "behind1").version == VersionId(current); }));
}

TEST_CASE("while storage accounts may not be listed keys rotate, and no old version is retired") {
  LivingDaemon::Files files =
      storage_world("- { name: pinned1, key: payments-eu/cmk-disks, pins_version: true }",
                    R"(      permissions:
        - { client: 66666666-7777-4888-8999-000000000001, actions: ["*"],
            not_actions: [Microsoft.Storage/storageAccounts/read] }
)");
  files.policies = R"(version: 1
policies:
  - { name: all, match: { key: "*" }, every: 6 months, spread: 0 seconds,
      retire: { after: 1 day, by: disabling } }
)";
  LivingDaemon life(files);
  life.start();
  REQUIRE(life.run_until([&] { return done(life) == 1; }));
  life.run_for(test::days(5));
  CHECK(life.network().count("PATCH payments-eu.vault.azure.net") == 0);
  auto const plan = life.daemon().plan(life.clock().wall_now() + test::days(30));
  REQUIRE_FALSE(plan.retirements.empty());
  CHECK(plan.retirements.front().held_by.find("not been surveyed wholly") != std::string::npos);
}

}  // namespace
}  // namespace rekeyd
