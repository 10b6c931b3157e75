// rekeyctl replace, as whoever has lost a backup uses it.
#include "tests/end_to_end/site.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

namespace rekeyd::test {

namespace {

using Catch::Matchers::Contains;

/// A key whose backup was stolen, one that could take its place, and a vault at IBM to make another in.
Organisation::Wanted stolen() {
  Organisation::Wanted wanted;
  wanted.keys = {};
  wanted.keys.payments = {"{ name: cmk-stolen, created: 2 months ago, deks: 3 }",
                          "{ name: cmk-next, created: 1 month ago, deks: 1 }"};
  wanted.keys.orders = {"{ " + ibm_key("crk-orders", 101) + ", created: 2 months ago, deks: 2 }"};
  return wanted;
}

}  // namespace

TEST_CASE("a stolen key is replaced by one that is there, and an auditor can see it") {
  Organisation organisation(stolen());
  Site& site = organisation.site;
  site.start();
  site.await_settled();
  Ended const replaced = site.rekeyctl(
      {"replace", "cmk-stolen", "--by", "azure/payments/cmk-next", "--reason", "ticket 4711", "--wait"});
  INFO(replaced.err << site.log());
  CHECK(replaced.exit == 0);
  CHECK_THAT(replaced.err, Contains("done, azure/payments/cmk-next has taken its place"));
  CHECK_THAT(organisation.amiss_with_deks(), Catch::Equals(""));
  CHECK(site.key("azure/payments/cmk-stolen").at("reason").as_string() == "replaced");
  CHECK(site.text("SELECT replaced_by FROM audit_root_keys WHERE key_id = 'cmk-stolen'") ==
        "azure/payments/cmk-next");
  CHECK(site.text("SELECT successor FROM audit_rotations WHERE \"trigger\" = 'replacement'") ==
        "azure/payments/cmk-next");
  CHECK(site.number("SELECT count(*) FROM audit_events WHERE kind = 'key_replaced' AND outcome = 'ok'") == 1);
  Ended const again = site.rekeyctl({"rotate", "cmk-stolen", "--reason", "leaver"});
  CHECK(again.exit == 1);
  CHECK_THAT(again.err, Contains("has taken its place"));
  CHECK(site.stop() == 0);
  CHECK_THAT(organisation.amiss_with_history(), Catch::Equals(""));
}

TEST_CASE("a successor is made at another provider, over a kill in the middle") {
  Organisation organisation(stolen());
  Site& site = organisation.site;
  site.start();
  site.await_settled();
  Ended const asked =
      site.rekeyctl({"replace", "cmk-stolen", "--create", "kp/orders/crk-next", "--reason", "ticket 4711"});
  INFO(asked.err << site.log());
  REQUIRE(asked.exit == 0);
  site.kill();
  site.start();
  site.await("the key is replaced", [&] {
    return site.number("SELECT count(*) FROM audit_events WHERE kind = 'key_replaced'") == 1;
  });
  CHECK_THAT(organisation.amiss_with_deks(), Catch::Equals(""));
  CHECK(site.number("SELECT count(*) FROM audit_root_keys WHERE key_name = 'crk-next'") == 1);
  CHECK(site.stop() == 0);
  CHECK_THAT(organisation.amiss_with_history(), Catch::Equals(""));
}

TEST_CASE("what cannot be meant is refused with what a person can do") {
  Organisation organisation(stolen());
  Site& site = organisation.site;
  site.start();
  site.await_settled();
  Ended const itself = site.rekeyctl({"replace", "cmk-next", "--by", "cmk-next", "--reason", "r"});
  CHECK(itself.exit == 1);
  CHECK_THAT(itself.err, Contains("cannot take its own place"));
  Ended const nobody = site.rekeyctl({"replace", "cmk-next", "--create", "gcp/v/k", "--reason", "r"});
  CHECK(nobody.exit == 1);
  CHECK_THAT(nobody.err, Contains("no provider entry 'gcp'"));
  CHECK(site.rekeyctl({"replace", "cmk-next", "--reason", "r"}).exit == 64);
  CHECK(site.number("SELECT count(*) FROM audit_rotations") == 0);
}

}  // namespace rekeyd::test
