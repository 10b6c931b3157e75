// SQL servers follow their key, and what their backups need stays in use.
#include "tests/workflow/azure_world.hpp"
#include "tests/workflow/small_world.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace rekeyd {
namespace {

using test::disks_key;
using test::done;
using test::LivingDaemon;
using test::opened;

constexpr char const* put = "PUT management.azure.com";

/// `servers`: lines of a world file's `sql_servers`.
LivingDaemon::Files sql_world(std::string const& servers, std::string const& more = "") {
  return test::disks_world("[]", "      sql_servers:\n" + test::indented(servers, 8) + more);
}

/// The servers' own ties, or those to what they had before.
std::vector<Registration> ties(LivingDaemon& life, std::string const& kind) {
  auto all = life.store().registrations_under("/subscriptions/").value();
  std::erase_if(all, [&](Registration const& each) { return each.kind != kind; });
  return all;
}

bool all_on(LivingDaemon& life, std::optional<VersionId> const& version) {
  auto const servers = ties(life, "sql-server");
  return !servers.empty() &&
         std::ranges::all_of(servers, [&](Registration const& each) { return each.version == version; });
}

Rotation newest(LivingDaemon& life) {
  return life.store().rotations(*KeyRef::parse(disks_key), 1).value().at(0);
}

std::string const three_servers = R"(- { name: ledger, key: payments-eu/cmk-disks }
- { name: ledger-replica, key: payments-eu/cmk-disks }
- { name: follower, key: payments-eu/cmk-disks, auto_rotation: true }
- { name: microsofts }
)";

TEST_CASE("a rotation gives all SQL servers the version before it tells one to use it") {
  LivingDaemon life(sql_world(three_servers));
  life.start();
  REQUIRE(life.run_until([&] { return done(life) == 1; }, test::days(3)));
  Rotation const rotation = newest(life);
  CHECK(all_on(life, rotation.new_version));
  CHECK(life.network().count(put) == 4);
  auto const asked = life.store().resource_changes(rotation.id).value();
  REQUIRE(asked.size() == 4);
  Instant given{};
  Instant told = Instant::max();
  for (storage::ResourceChange const& each : asked) {
    CHECK(each.outcome == "done");
    if (each.prepares) given = std::max(given, each.ended_at.value());
    if (!each.prepares) told = std::min(told, each.asked_at);
  }
  CHECK(given <= told);
  // What the servers had before stays in their lists: their backups need it.
  REQUIRE(life.run_until([&] { return ties(life, "sql-server-key").size() == 3; }));
  CHECK(ties(life, "sql-server-key")[0].version == rotation.base_version);
  life.run_for(test::days(3));
  CHECK(opened(life) == 1);
}

TEST_CASE("an answer about a SQL server that is lost, or a life that ends there, changes nothing") {
  LivingDaemon life(sql_world("- { name: ledger, key: payments-eu/cmk-disks }"));
  char const* const fate = GENERATE("reset-before", "reset-after", "crash 1", "crash 2");
  bool const crashes = std::string_view(fate).starts_with("crash");
  if (!crashes) life.cloud().faults().add(test::fault(fate, "management.azure.com", "PUT", "*"));
  life.start();
  if (crashes) {
    std::size_t const at = fate[6] == '1' ? 1 : 2;
    REQUIRE(life.run_until([&] { return life.network().count(put) == at; }));
    life.crash();
    life.start();
  }
  REQUIRE(life.run_until([&] { return done(life) == 1; }));
  CHECK(all_on(life, newest(life).new_version));
  auto const asked = life.store().resource_changes(newest(life).id).value();
  for (storage::ResourceChange const& each : asked) {
    CHECK(each.ended_at);
  }
}

TEST_CASE("while one SQL server cannot take the version none is told to use it") {
  LivingDaemon life(sql_world(R"(- { name: ledger, key: payments-eu/cmk-disks }
- { name: locked-out, key: payments-eu/cmk-disks, key_access: false }
)"));
  life.start();
  REQUIRE(life.run_until([&] { return opened(life) == 1 && !newest(life).blocked_reason.empty(); },
                         test::days(3)));
  CHECK_FALSE(newest(life).message.empty());
  auto const asked = life.store().resource_changes(newest(life).id).value();
  for (storage::ResourceChange const& each : asked) {
    CHECK(each.prepares);
  }
  CHECK(all_on(life, newest(life).base_version));
}

TEST_CASE("a SQL server that somebody leaves on an older version is drift, and is taken along") {
  LivingDaemon life(sql_world("- { name: behind, key: payments-eu/cmk-fresh, versions_behind: 1 }"));
  life.start();
  auto const current = VersionId(test::current_version(life, "azure-prod/payments-eu/cmk-fresh"));
  REQUIRE(life.run_until([&] { return all_on(life, current); }));
  CHECK(life.events(EventKind::drift).size() == 1);
}

TEST_CASE("a version that a SQL server's backups need is never taken out of use, others are") {
  LivingDaemon::Files files = sql_world("- { name: ledger, key: payments-eu/cmk-disks }");
  files.policies = R"(version: 1
policies:
  - { name: all, match: { key: "*" }, every: 6 months, spread: 0 seconds,
      retire: { after: 1 day, by: disabling } }
)";
  LivingDaemon life(files);
  life.start();
  REQUIRE(life.run_until([&] { return done(life) == 1; }));
  VersionId const kept = newest(life).base_version.value();
  REQUIRE(life.run_until([&] { return !life.events(EventKind::version_retired).empty(); }, test::days(5)));
  life.run_for(test::days(5));
  auto const plan = life.daemon().plan(life.clock().wall_now() + test::days(30));
  auto const held = std::ranges::find(plan.retirements, kept, &daemon::RetirementReport::version);
  REQUIRE(held != plan.retirements.end());
  CHECK(held->held_by.find("keeps what only it can read") != std::string::npos);
  for (storage::RecordedEvent const& each : life.events(EventKind::version_retired))
    CHECK(each.event.version != kept);
}

TEST_CASE("a SQL server whose answer makes no sense is not taken for gone") {
  LivingDaemon life(sql_world(three_servers));
  life.start();
  REQUIRE(life.run_until([&] { return done(life) == 1 && life.settled(); }));
  life.run_for(test::days(2));
  std::size_t const gone = life.events(EventKind::registration_gone).size();
  std::size_t const before = ties(life, "sql-server").size() + ties(life, "sql-server-key").size();
  life.cloud().faults().add(
      test::fault("malformed-json", "management.azure.com", "GET", "*/servers/ledger/encryptionprotector/*"));
  life.run_for(test::days(3));
  auto const rules = life.cloud().faults().state();
  REQUIRE(rules.at(0).at("hits").to_number<int>() == 1);
  CHECK(life.events(EventKind::registration_gone).size() == gone);
  CHECK(ties(life, "sql-server").size() + ties(life, "sql-server-key").size() == before);
}

}  // namespace
}  // namespace rekeyd
