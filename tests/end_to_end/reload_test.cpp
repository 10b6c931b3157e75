// Policies are edited while rekeyd runs.
#include "tests/end_to_end/site.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include <csignal>

#include <unistd.h>

namespace rekeyd::test {

namespace {

using Catch::Matchers::Contains;

/// Six keys, none due before they are a year old.
Organisation::Wanted young_keys() {
  Organisation::Wanted wanted;
  wanted.keys = {};
  wanted.keys.payments = {"{ name: \"cmk-{n}\", count: 4, created: 2 months ago, deks: 1 }"};
  wanted.keys.orders = {"{ " + ibm_key("crk-1", 101) + ", created: 2 months ago, deks: 1 }",
                        "{ " + ibm_key("crk-2", 102) + ", created: 2 months ago, deks: 1 }"};
  wanted.settings = [](SettingsText& settings) { settings.rotations = "{ per_hour: 2 }"; };
  return wanted;
}

std::string reload_errors(Site& site) {
  return boost::json::serialize(site.ask({"status"}).at("reload_errors"));
}

}  // namespace

TEST_CASE("a broken policy file leaves the policies that were in force and everyone is told the place") {
  Organisation organisation(young_keys());
  Site& site = organisation.site;
  site.start();
  site.await_settled();
  site.write_policies(
      "version: 1\npolicies:\n  - name: everything\n    match: { key: \"*\" }\n    evry: 1 month\n");
  site.daemon().send(SIGHUP);
  site.await("status tells the mistake", [&] { return reload_errors(site) != "[]"; });
  CHECK_THAT(reload_errors(site), Contains("all.yaml:5:5"));
  CHECK_THAT(site.rekeyctl({"status"}).out, Contains("all.yaml:5:5"));
  CHECK_THAT(site.log(), Contains("all.yaml:5:5"));
  Ended const refused = site.rekeyctl({"reload"});
  CHECK(refused.exit == 3);
  CHECK_THAT(refused.out + refused.err, Contains("all.yaml:5:5") && Contains("every"));
  CHECK(site.key("azure/payments/cmk-1").at("every_months") == 12);
  CHECK(site.number("SELECT count(*) FROM audit_events WHERE kind = 'policies_refused'") == 2);

  site.write_policies(rotate_everything("11 months"));
  site.daemon().send(SIGHUP);
  site.await("the mended policies are in force",
             [&] { return site.key("azure/payments/cmk-1").at("every_months") == 11; });
  CHECK(reload_errors(site) == "[]");
  CHECK(organisation.new_versions().empty());
  CHECK(site.stop() == 0);
}

TEST_CASE("an edit that makes the fleet due is held until it is released, then the cap per hour holds") {
  Organisation organisation(young_keys());
  Site& site = organisation.site;
  site.start();
  site.await_settled();
  site.write_policies(rotate_everything("1 month"));
  Ended const applied = site.rekeyctl({"reload"});
  CHECK(applied.exit == 0);
  CHECK_THAT(applied.out + applied.err, Contains("6 of 6 keys due"));
  Ended const held = site.rekeyctl({"status"});
  CHECK(held.exit == 4);
  CHECK_THAT(held.out, Contains("too_many_due:policy:everything") && Contains("everything 6"));
  CHECK_THAT(held.err, Contains("1 hold in force"));

  // A restart lets nothing go, and an unknown name neither.
  CHECK(site.stop() == 0);
  site.start();
  Ended const unknown = site.rekeyctl({"release", "too_many_due:policy:everythin", "--reason", "meant so"});
  CHECK(unknown.exit == 1);
  CHECK_THAT(unknown.err, Contains("did you mean 'too_many_due:policy:everything'?"));
  CHECK(site.rekeyctl({"release", "--reason", "meant so"}).exit == 64);
  CHECK(site.rekeyctl({"release", "too_many_due:policy:everything"}).exit == 64);
  CHECK(organisation.new_versions().empty());

  Ended const released = site.rekeyctl({"release", "--all", "--reason", "meant so"});
  CHECK(released.exit == 0);
  CHECK(released.out == "too_many_due:policy:everything\n");
  CHECK_THAT(released.err, Contains("6 keys are due within it (everything 6)"));
  CHECK_THAT(site.text("SELECT actor || ': ' || sentence FROM audit_events WHERE kind = 'hold_released'"),
             Contains("uid " + std::to_string(::getuid())) && Contains("released: meant so"));
  site.await("two keys are rotated and the others wait", [&] {
    auto const status = site.ask({"status"});
    auto const& counts = status.at("counts").as_object();
    return counts.contains("ready") && counts.at("ready") == 2 && counts.contains("waiting") &&
           counts.at("waiting") == 4;
  });
  CHECK(organisation.new_versions().size() == 2);

  // A restart does not open the tap again.
  CHECK(site.stop() == 0);
  site.start();
  site.await("the others wait on", [&] {
    auto const status = site.ask({"status"});
    bool read = true;
    for (auto const& provider : status.at("providers").as_array())
      read &= !provider.at("last_inventory").is_null();
    auto const& counts = status.at("counts").as_object();
    return read && counts.contains("waiting") && counts.at("waiting") == 4;
  });
  auto const waiting = site.ask({"keys", "--status", "waiting"});
  CHECK(waiting.at("keys").as_array().size() == 4);
  CHECK(waiting.at("keys").as_array().front().at("waits_for") == "quota");
  CHECK(site.stop() == 0);
  CHECK(organisation.new_versions().size() == 2);
  CHECK(site.number("SELECT count(*) FROM audit_rotations") == 2);
}

}  // namespace rekeyd::test
