// The main job: what is due is rotated, once, and everything that depends on it follows.
#include "tests/end_to_end/site.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

namespace rekeyd::test {

namespace {

using Counts = std::map<std::string, std::size_t>;

Counts one_more_of_each_due_key() {
  return {{"payments/cmk-due", 1},
          {"treasury/hsm-due", 1},
          {"orders/" + ibm_key_id(101), 1},
          {"ledger/" + ibm_key_id(201), 1},
          {"legacy/" + ibm_key_id(301), 1}};
}

/// Key → its next date, as rekeyctl tells it.
std::map<std::string, std::string> due_dates(Site& site) {
  std::map<std::string, std::string> dates;
  auto const document = site.ask({"keys"});
  for (auto const& key : document.at("keys").as_array()) {
    dates.emplace(key.at("key").as_string(), key.at("due").as_string());
  }
  return dates;
}

}  // namespace

TEST_CASE("overdue keys at every provider are rotated once and keys that are not due are left alone") {
  Organisation organisation;
  Site& site = organisation.site;
  site.start();
  site.await_settled();
  CHECK(organisation.new_versions() == one_more_of_each_due_key());
  CHECK_THAT(organisation.amiss_with_deks(), Catch::Equals(""));
  CHECK(site.number("SELECT count(*) FROM audit_rotations WHERE state = 'done'") == 5);
  CHECK(site.number("SELECT count(*) FROM audit_rotations") == 5);
  CHECK(site.number("SELECT count(*) FROM audit_key_versions WHERE made_by = 'rekeyd'") == 5);
  CHECK(site.rekeyctl({"status"}).exit == 0);
  auto const dates = due_dates(site);
  CHECK(dates.size() == 10);
  CloudKeys const rotated = organisation.clouds.keys();
  CHECK(site.stop() == 0);

  site.start();
  site.await_settled();
  CHECK(due_dates(site) == dates);
  CHECK(site.stop() == 0);
  CHECK(organisation.clouds.keys() == rotated);
  CHECK(site.number("SELECT count(*) FROM audit_rotations") == 5);
  CHECK_THAT(organisation.amiss_with_deks(), Catch::Equals(""));
  CHECK_THAT(organisation.amiss_with_history(), Catch::Equals(""));
}

TEST_CASE("a key is rotated by the provider's own rotate call where the configuration says so") {
  Organisation::Wanted wanted;
  wanted.keys = {};
  wanted.keys.payments = {"{ name: cmk-due, created: 14 months ago, deks: 2 }"};
  // Managed HSM rotates no key that has no rotation policy.
  wanted.keys.treasury = {"{ name: hsm-aes, kty: oct-HSM, size: 256, created: 14 months ago, deks: 2 }"};
  wanted.settings = [](SettingsText& settings) {
    settings.rotate_by = "rotate";
    settings.set_neutral_rotation_policy = true;
  };
  Organisation organisation(wanted);
  Site& site = organisation.site;
  site.start();
  site.await_settled();
  CHECK(organisation.new_versions() == Counts{{"payments/cmk-due", 1}, {"treasury/hsm-aes", 1}});
  CHECK_THAT(organisation.amiss_with_deks(), Catch::Equals(""));
  CHECK(site.stop() == 0);
  CHECK_THAT(organisation.amiss_with_history(), Catch::Equals(""));
  // The policy that we put there is told to whoever reads the history.
  CHECK(site.number("SELECT count(*) FROM audit_events WHERE root_key = 'hsm/treasury/hsm-aes' AND "
                    "details LIKE '%neutral_rotation_policy%'") > 0);
}

}  // namespace rekeyd::test
