// rekeyctl as people use it, against the living daemon.
#include "tests/end_to_end/site.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include <algorithm>

#include <unistd.h>

namespace rekeyd::test {

namespace {

using Catch::Matchers::Contains;
using Counts = std::map<std::string, std::size_t>;

/// Keys that are not due; "cmk-both" is the name of two.
Organisation::Wanted calm() {
  Organisation::Wanted wanted;
  wanted.keys = {};
  wanted.keys.payments = {"{ name: cmk-both, created: 2 months ago, deks: 1 }",
                          "{ name: cmk-other, created: 2 months ago }"};
  wanted.keys.orders = {"{ " + ibm_key("crk-orders", 101) + ", created: 2 months ago, deks: 2 }"};
  wanted.keys.legacy = {"{ " + ibm_key("cmk-both", 301) + ", created: 2 months ago }"};
  return wanted;
}

std::string first_line(std::string const& text) { return text.substr(0, text.find('\n')); }

std::size_t history_rows(Site& site, std::vector<std::string> filters) {
  filters.insert(filters.begin(), {"history", "--database", site.database()});
  return site.ask(filters).at("events").as_array().size();
}

/// What the HSM's administrator does by hand.
void ask_hsm(Clouds& clouds, std::string const& method, std::string const& path, std::string const& body) {
  auto const answer = clouds.ask(method, "treasury.managedhsm.azure.net", path + "?api-version=7.5", body,
                                 {{"Authorization", "Bearer " + clouds.azure_token("managedhsm.azure.net")},
                                  {"Content-Type", "application/json"}});
  INFO(std::string(answer.body));
  REQUIRE(answer.status == 200);
}

Organisation::Wanted one_hsm_key(std::string const& rotation_policy) {
  Organisation::Wanted wanted;
  wanted.keys = {};
  wanted.keys.treasury = {
      "{ name: hsm-aes, kty: oct-HSM, size: 256, created: 14 months ago, deks: 2, rotation_policy: " +
      rotation_policy + " }"};
  wanted.settings = [](SettingsText& settings) { settings.rotate_by = "rotate"; };
  return wanted;
}

/// The id of the rotation that blocks the key, for `reason`.
std::string await_blocked(Site& site, std::string const& reason) {
  site.await("the key is blocked: " + reason, [&] {
    return site.text("SELECT blocked_reason FROM audit_rotations WHERE key_id = 'hsm-aes'") == reason;
  });
  CHECK(site.rekeyctl({"status"}).exit == 4);
  return site.text("SELECT rotation FROM audit_rotations WHERE key_id = 'hsm-aes'");
}

}  // namespace

TEST_CASE("a person rotates a key now and not twice within IBM's hour") {
  Organisation organisation(calm());
  Site& site = organisation.site;
  site.start();
  site.await_settled();
  Ended const asked = site.rekeyctl({"rotate", "crk-orders", "--reason", "leaver in the team", "--wait"});
  INFO(asked.err << site.log());
  CHECK(asked.exit == 0);
  Ended const again = site.rekeyctl({"rotate", "kp/orders/" + ibm_key_id(101), "--reason", "once more"});
  CHECK(again.exit == 1);
  CHECK_THAT(again.err, Contains("allows the next rotation"));
  // Azure has no such floor.
  CHECK(site.rekeyctl({"rotate", "cmk-other", "--reason", "first", "--wait"}).exit == 0);
  CHECK(site.rekeyctl({"rotate", "cmk-other", "--reason", "second", "--wait"}).exit == 0);
  CHECK(organisation.new_versions() == Counts{{"orders/" + ibm_key_id(101), 1}, {"payments/cmk-other", 2}});
  CHECK_THAT(organisation.amiss_with_deks(), Catch::Equals(""));

  std::string const rotation = first_line(asked.out);
  CHECK(site.text("SELECT \"trigger\" || ' ' || reason FROM audit_rotations WHERE rotation = '" + rotation +
                  "'") == "request leaver in the team");
  CHECK_THAT(site.text("SELECT requested_by FROM audit_rotations WHERE rotation = '" + rotation + "'"),
             Contains("uid " + std::to_string(::getuid())));
  CHECK(site.stop() == 0);
  CHECK_THAT(organisation.amiss_with_history(), Catch::Equals(""));
}

TEST_CASE("a wish that names no key or two keys is refused with the reason") {
  Organisation organisation(calm());
  Site& site = organisation.site;
  site.start();
  site.await_settled();
  Ended const unknown = site.rekeyctl({"rotate", "cmk-nowhere", "--reason", "a test"});
  CHECK(unknown.exit == 1);
  CHECK_THAT(unknown.err, Contains("cmk-nowhere") && Contains("rekeyctl keys"));
  Ended const ambiguous = site.rekeyctl({"rotate", "cmk-both", "--reason", "a test"});
  CHECK(ambiguous.exit == 1);
  CHECK_THAT(ambiguous.err,
             Contains("azure/payments/cmk-both") && Contains("hpcs/legacy/" + ibm_key_id(301)));
  CHECK(site.rekeyctl({"rotate", "cmk-other"}).exit == 64);
  CHECK(organisation.new_versions().empty());
  CHECK(site.stop() == 0);
}

TEST_CASE("plan, status, keys and history tell programs and people the same") {
  Organisation organisation;
  Site& site = organisation.site;
  site.start();
  site.await_settled();
  CHECK(site.rekeyctl({"plan", "--for", "12months"}).exit == 2);
  CHECK(site.rekeyctl({"plan", "--for", "1days"}).exit == 0);
  // A year after now those rotated today are not due again yet; of all keys the next date is within two.
  CHECK(site.ask({"plan", "--for", "12months"}).at("entries").as_array().size() == 5);
  CHECK(site.ask({"plan", "--for", "20months"}).at("entries").as_array().size() == 10);
  CHECK(site.ask({"keys"}).at("keys").as_array().size() == 10);
  CHECK(site.ask({"keys", "*-due", "--provider", "azure"}).at("keys").as_array().size() == 1);
  auto const status = site.ask({"status"});
  CHECK(status.at("counts").at("ready") == 10);
  CHECK(status.at("providers").as_array().size() == 5);

  CHECK(history_rows(site, {"--kind", "rotation_done"}) == 5);
  CHECK(history_rows(site, {"--kind", "rotation_done", "--key", "azure/payments/cmk-due"}) == 1);
  CHECK(history_rows(site, {"--policy", "everything", "--kind", "rotation_opened"}) == 5);
  CHECK(history_rows(site, {"--since", "2999-01-01"}) == 0);
  CHECK(history_rows(site, {"--until", "2000-01-01"}) == 0);
  CHECK(history_rows(site, {"--outcome", "failed"}) == 0);
  CHECK(history_rows(site, {"--kind", "key_found"}) == 10);
  Ended const csv =
      site.rekeyctl({"history", "--database", site.database(), "--kind", "rotation_done", "-o", "csv"});
  CHECK(std::count(csv.out.begin(), csv.out.end(), '\n') == 6);
  CHECK(site.stop() == 0);

  Ended const nobody = site.rekeyctl({"status"});
  CHECK(nobody.exit == 1);
  CHECK_THAT(nobody.err, Contains(site.socket().string()));
  CHECK(history_rows(site, {"--kind", "rotation_done"}) == 5);
}

TEST_CASE("a Managed HSM key without rotation policy is blocked until its owner gives it one") {
  Organisation::Wanted wanted = one_hsm_key("none");
  wanted.keys.payments = {"{ name: cmk-due, created: 14 months ago, deks: 1 }"};
  Organisation organisation(wanted);
  Site& site = organisation.site;
  site.start();
  std::string const rotation = await_blocked(site, "refused_by_provider");
  site.await_settled();
  CHECK(organisation.new_versions() == Counts{{"payments/cmk-due", 1}});
  CHECK_THAT(site.rekeyctl({"status"}).out, Contains("hsm-aes") && Contains("rotation policy"));
  CHECK(site.key("hsm/treasury/hsm-aes").at("status") == "blocked");

  ask_hsm(organisation.clouds, "PUT", "/keys/hsm-aes/rotationpolicy",
          R"({"lifetimeActions":[],"attributes":{"expiryTime":"P10Y"}})");
  CHECK(site.rekeyctl({"retry", rotation}).exit == 0);
  site.await("nothing is blocked", [&] { return site.settled() && site.rekeyctl({"status"}).exit == 0; });
  CHECK(organisation.new_versions() == Counts{{"payments/cmk-due", 1}, {"treasury/hsm-aes", 1}});
  CHECK_THAT(organisation.amiss_with_deks(), Catch::Equals(""));
  CHECK(site.stop() == 0);
}

TEST_CASE("a new version that lacks what the old one had is not used before it is mended") {
  Organisation organisation(one_hsm_key("neutral"));
  Site& site = organisation.site;
  // Versions that the service makes from now on expire; the one that there is does not.
  ask_hsm(organisation.clouds, "PUT", "/keys/hsm-aes/rotationpolicy",
          R"({"lifetimeActions":[],"attributes":{"expiryTime":"P2Y"}})");
  site.start();
  std::string const rotation = await_blocked(site, "new_version_unfit");
  // The DEKs are where they were.
  CHECK(site.number("SELECT count(*) FROM previous_wdeks") == 0);
  CHECK(site.rekeyctl({"retry", rotation}).exit == 0);
  await_blocked(site, "new_version_unfit");

  std::string const version = organisation.clouds.keys().at("treasury/hsm-aes").current;
  ask_hsm(organisation.clouds, "PATCH", "/keys/hsm-aes/" + version, R"({"attributes":{"exp":null}})");
  CHECK(site.rekeyctl({"retry", rotation}).exit == 0);
  site.await("nothing is blocked", [&] { return site.settled() && site.rekeyctl({"status"}).exit == 0; });
  CHECK(organisation.new_versions() == Counts{{"treasury/hsm-aes", 1}});
  CHECK_THAT(organisation.amiss_with_deks(), Catch::Equals(""));
  CHECK(site.stop() == 0);
  CHECK_THAT(organisation.amiss_with_history(), Catch::Equals(""));
}

}  // namespace rekeyd::test
