// Keys that Azure Disk Encryption uses: its machines stay on their version for good.
#include "tests/workflow/azure_world.hpp"
#include "tests/workflow/small_world.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace rekeyd {
namespace {

using test::disks_key;
using test::disks_world;
using test::done;
using test::LivingDaemon;
using test::opened;

constexpr char const* one_pinned = "- { name: pinned, key: payments-eu/cmk-disks }";
constexpr char const* old_machine = R"(      virtual_machines:
        - { name: old-vm, ade: { key: payments-eu/cmk-disks, extension: true }, data_disks: 1 }
)";

LivingDaemon::Files world_with(std::string const& wishes) {
  LivingDaemon::Files files = disks_world(one_pinned, old_machine);
  files.policies = fmt::format(
      "version: 1\npolicies:\n  - {{ name: all, match: {{ key: cmk-disks }}, every: 6 months, spread: 0 "
      "seconds{} }}\n",
      wishes);
  return files;
}

std::string machine() { return test::resource_id("virtualmachines", "old-vm"); }

TEST_CASE("a key of Azure Disk Encryption is blocked with its machines named, and nothing is begun") {
  LivingDaemon life(world_with(""));
  life.start();
  REQUIRE(life.run_until(
      [&] { return !life.store().registrations_following(Following::never).value().empty(); }));
  life.run_for(test::days(2));
  Verdict const said = life.verdict(disks_key);
  CHECK(said.reason == "used_by_disk_encryption");
  CHECK(said.status == KeyStatus::blocked);
  CHECK(said.sentence.find(machine()) != std::string::npos);
  CHECK(done(life) == 0);
  CHECK(test::keys_at_clouds(life).at(disks_key).versions.size() == 2);
  Registration const tie = life.store().registrations_following(Following::never).value().at(0);
  CHECK(tie.kind == "azure-disk-encryption");
  CHECK(tie.resource.str() == machine());
  auto const refused = life.daemon().rotate({.key = disks_key, .reason = "now"}, "anna", 0);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().what.find("azure_disk_encryption: rotate") != std::string::npos);
}

TEST_CASE("what is known of Azure Disk Encryption holds in the next life, before any survey") {
  LivingDaemon life(world_with(""));
  life.start();
  REQUIRE(life.run_until([&] { return life.events(EventKind::rotation_abandoned).size() == 1; }));
  auto const begun = opened(life);
  life.stop();
  life.start();
  CHECK(life.verdict(disks_key).reason == "used_by_disk_encryption");
  life.run_for(test::days(1));
  CHECK(opened(life) == begun);
}

TEST_CASE("where the policy wants it the key is rotated, the machine is left alone, and nothing is retired") {
  LivingDaemon life(world_with(", azure_disk_encryption: rotate, retire: { after: 1 day, by: disabling }"));
  life.start();
  REQUIRE(life.run_until([&] { return done(life) == 1; }));
  CHECK(test::on_current_version(life, "pinned"));
  Registration const tie = life.store().registrations_following(Following::never).value().at(0);
  CHECK(tie.version != VersionId(test::current_version(life, disks_key)));
  life.run_for(test::days(5));
  auto const key = life.store().key(*KeyRef::parse(disks_key)).value().value();
  CHECK(std::ranges::all_of(key.versions, &KeyVersion::enabled));
  auto const plan = life.daemon().plan(life.clock().wall_now() + test::days(30));
  REQUIRE(plan.retirements.size() == 2);
  CHECK(plan.retirements[0].held_by.find("for good") != std::string::npos);
  CHECK(done(life) == 1);
}

}  // namespace
}  // namespace rekeyd
