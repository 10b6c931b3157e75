// Resources follow their keys over real HTTPS, with Azure's long URLs of operations, and over restarts.
#include "tests/end_to_end/site.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <fmt/format.h>

namespace rekeyd::test {

namespace {

constexpr char sets_world[] = R"(  resource_manager: { key_change_s: 1 }
  subscriptions:
    - id: 99999999-aaaa-4bbb-8ccc-000000000001
      tenant: 11111111-2222-4333-8444-555555555555
      resource_groups: [{ name: apps }]
      disk_encryption_sets:
        - { name: pinned, key: payments/cmk-due }
        - { name: of-the-hsm, key: treasury/hsm-due }
      virtual_machines:
        - { name: vm, disk_encryption_set: pinned, data_disks: 2 }
)";

constexpr char one_set[] = R"(  resource_manager: { key_change_s: 3 }
  subscriptions:
    - id: 99999999-aaaa-4bbb-8ccc-000000000001
      tenant: 11111111-2222-4333-8444-555555555555
      resource_groups: [{ name: apps }]
      disk_encryption_sets: [{ name: pinned, key: payments/cmk-due }]
)";

constexpr char servers_and_accounts[] = R"(  resource_manager: { key_change_s: 1 }
  subscriptions:
    - id: 99999999-aaaa-4bbb-8ccc-000000000001
      tenant: 11111111-2222-4333-8444-555555555555
      resource_groups: [{ name: apps }]
      storage_accounts: [{ name: logs, key: payments/cmk-due, pins_version: true }]
      sql_servers: [{ name: ledger, key: payments/cmk-due }, { name: replica, key: payments/cmk-due }]
)";

constexpr char confidential_machines[] =
    R"(  resource_manager: { start_s: 2, deallocate_s: 2, key_change_s: 1 }
  subscriptions:
    - id: 99999999-aaaa-4bbb-8ccc-000000000001
      tenant: 11111111-2222-4333-8444-555555555555
      resource_groups: [{ name: apps }]
      disk_encryption_sets: [{ name: des, type: confidential-vm, key: payments/cmk-due }]
      virtual_machines:
        - { name: "cvm-{n}", count: 2, security: confidential, disk_encryption_set: des }
        - { name: idle, security: confidential, disk_encryption_set: des, power: deallocated }
)";

constexpr char releasable_key[] =
    R"({ name: cmk-due, kty: RSA-HSM, exportable: true, created: 14 months ago,
            release_policy: '{"version":"1.0.0","anyOf":[{"authority":"https://sharedweu.weu.attest.azure.net/","allOf":[{"claim":"x-ms-attestation-type","equals":"sevsnpvm"}]}]}' })";

Organisation::Wanted with_sets() {
  Organisation::Wanted wanted;
  wanted.keys.azure_more = sets_world;
  wanted.settings = [](SettingsText& settings) {
    settings.resources = "[{ subscription: 99999999-aaaa-4bbb-8ccc-000000000001 }]";
  };
  return wanted;
}

Organisation::Wanted with_confidential_machines(char const* rules) {
  Organisation::Wanted wanted = with_sets();
  wanted.keys = {};
  wanted.keys.payments = {releasable_key};
  wanted.keys.azure_more = confidential_machines;
  wanted.policies = fmt::format(
      "version: 1\npolicies:\n  - {{ name: all, match: {{ key: \"*\" }}, every: 6 months, spread: 0 seconds, "
      "confidential_vms: {} }}\n",
      rules);
  return wanted;
}

std::size_t on_current(Site& site) {
  return static_cast<std::size_t>(
      site.number("SELECT count(*) FROM audit_registrations WHERE on_current_version = 'yes' AND following = "
                  "'when_told'"));
}

}  // namespace

TEST_CASE("disk encryption sets are moved with the keys of both services, and shown") {
  Organisation organisation(with_sets());
  Site& site = organisation.site;
  site.start();
  site.await("both sets on the new versions", [&] {
    return site.number("SELECT count(*) FROM audit_rotations WHERE state = 'done'") == 5 &&
           on_current(site) == 2;
  });
  auto const shown = site.ask({"resources"});
  auto const& resources = shown.at("resources").as_array();
  REQUIRE(resources.size() >= 2);
  CHECK(resources[0].at("kind").as_string() == "disk-encryption-set");
  CHECK(resources[0].at("behind").as_bool() == false);
  CHECK(resources[0].at("tied").as_array().size() == 4);  // A machine and its three disks.
  CHECK(site.ask({"resources", "--behind"}).at("resources").as_array().empty());
  CHECK(site.number("SELECT count(*) FROM audit_resource_changes WHERE outcome = 'done'") == 2);
  CHECK(site.number("SELECT count(*) FROM audit_events WHERE kind = 'registration_moved'") == 2);
  CHECK(site.stop() == 0);
  CHECK_THAT(organisation.amiss_with_history(), Catch::Equals(""));
}

TEST_CASE("SQL servers and storage accounts are moved with their key, and what backups need is shown") {
  Organisation::Wanted wanted = with_sets();
  wanted.keys = {};
  wanted.keys.payments = {"{ name: cmk-due, created: 14 months ago }"};
  wanted.keys.azure_more = servers_and_accounts;
  Organisation organisation(wanted);
  Site& site = organisation.site;
  site.start();
  site.await("the rotation is over",
             [&] { return site.number("SELECT count(*) FROM audit_rotations WHERE state = 'done'") == 1; });
  CHECK(on_current(site) == 3);
  CHECK(site.number("SELECT count(*) FROM audit_resource_changes WHERE outcome = 'done'") == 5);
  CHECK(site.number("SELECT count(*) FROM audit_resource_changes WHERE asked_for = 'preparation'") == 2);
  CHECK(site.ask({"resources", "--kind", "sql-server"}).at("resources").as_array().size() == 2);
  CHECK(site.ask({"resources", "--behind"}).at("resources").as_array().empty());
  CHECK(site.stop() == 0);
  // The next life's first survey finds what the servers had before.
  site.start();
  site.await("the versions that backups need are shown", [&] {
    return site.ask({"resources", "--kind", "sql-server-key"}).at("resources").as_array().size() == 2;
  });
  CHECK(site.ask({"resources", "--behind"}).at("resources").as_array().empty());
  CHECK(site.stop() == 0);
  CHECK_THAT(organisation.amiss_with_history(), Catch::Equals(""));
}

TEST_CASE("a daemon that is killed while a set changes follows that change in its next life") {
  Organisation::Wanted wanted = with_sets();
  wanted.keys = {};
  wanted.keys.payments = {"{ name: cmk-due, created: 14 months ago }"};
  wanted.keys.azure_more = one_set;
  Organisation organisation(wanted);
  Site& site = organisation.site;
  site.start();
  // The request is on record before it goes out; only one that was answered has an id.
  site.await("a change that Azure has taken on", [&] {
    return site.number("SELECT count(*) FROM audit_resource_changes WHERE request_id <> ''") > 0;
  });
  site.kill();
  site.start();
  site.await("the set on the new version", [&] {
    return site.number("SELECT count(*) FROM audit_rotations WHERE state = 'done'") == 1 &&
           on_current(site) == 1;
  });
  CHECK(site.number("SELECT count(*) FROM audit_resource_changes") == 1);
  CHECK(site.number("SELECT count(*) FROM audit_resource_changes WHERE outcome IS NULL") == 0);
  CHECK(site.stop() == 0);
  CHECK_THAT(organisation.amiss_with_history(), Catch::Equals(""));
}

TEST_CASE(
    "confidential machines stand still for the change of their set, over a daemon that is killed meanwhile") {
  Organisation organisation(with_confidential_machines("{ stop: true, downtime_max: 2 minutes }"));
  Site& site = organisation.site;
  site.start();
  site.await("a machine at rest", [&] {
    return site.number("SELECT count(*) FROM audit_machine_stops WHERE at_rest IS NOT NULL") > 0;
  });
  site.kill();
  site.start();
  site.await("the rotation's end",
             [&] { return site.number("SELECT count(*) FROM audit_rotations WHERE state = 'done'") == 1; });
  CHECK(site.number("SELECT count(*) FROM audit_machine_stops") == 2);
  CHECK(site.number(
            "SELECT count(*) FROM audit_machine_stops WHERE outcome = 'running' AND downtime_seconds >= 4") ==
        2);
  CHECK(site.number("SELECT count(*) FROM audit_registrations WHERE on_current_version = 'yes'") == 1);
  CHECK(site.number("SELECT count(*) FROM audit_events WHERE kind = 'machine_started'") == 2);
  CHECK(site.stop() == 0);
  CHECK_THAT(organisation.amiss_with_history(), Catch::Equals(""));
}

TEST_CASE("a policy that lets no machine be stopped is waited for, and plan says so") {
  Organisation organisation(with_confidential_machines("{ stop: false }"));
  Site& site = organisation.site;
  site.start();
  site.await("a rotation that waits", [&] {
    return site.number(
               "SELECT count(*) FROM audit_events WHERE kind = 'step_waiting' AND step = 'propagate'") > 0;
  });
  CHECK(site.key("azure/payments/cmk-due").at("reason").as_string() == "needs_quiesce");
  auto const plan = site.ask({"plan", "--for", "12months"});
  auto const& downtimes = plan.at("downtimes").as_array();
  REQUIRE(downtimes.size() == 1);
  CHECK(downtimes[0].at("stopped_by_us").as_bool() == false);
  CHECK(downtimes[0].at("machines").as_array().size() == 3);
  CHECK(site.number("SELECT count(*) FROM audit_machine_stops") == 0);
  CHECK(site.stop() == 0);
}

}  // namespace rekeyd::test
