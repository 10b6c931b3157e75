// The clouds answer late, wrongly or not at all.
#include "tests/end_to_end/site.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace rekeyd::test {

namespace {

using Counts = std::map<std::string, std::size_t>;

constexpr auto longer_than_any_lag = std::chrono::minutes(25);
constexpr char any_rotate_call[] = R"("method": "POST", "path": "{}")";

/// One hit at each provider's call that makes a version: create or rotate at Azure, rotate at IBM.
void spoil_rotate_calls(Clouds& clouds, std::string const& fault) {
  for (std::string const& host : cloud_hosts()) {
    for (char const* const path : {"*/create", "*/rotate"}) {
      std::string const where = fmt::format(fmt::runtime(any_rotate_call), path);
      clouds.add_fault(fmt::format(R"({{"host": "{}", {}, "times": 1, {}}})", host, where, fault));
    }
  }
}

std::string kind(char const* word) { return fmt::format(R"("kind": "{}")", word); }

void check_one_new_version_each(Organisation& organisation) {
  auto const made = organisation.new_versions();
  CHECK(made.size() == 5);
  for (auto const& [key, count] : made) {
    INFO(key);
    CHECK(count == 1);
  }
  CHECK_THAT(organisation.amiss_with_deks(), Catch::Equals(""));
  CHECK_THAT(organisation.amiss_with_history(), Catch::Equals(""));
}

bool needs_nobody(boost::json::value const& key, boost::json::string const& now) {
  if (key.at("status") == "blocked" || key.at("status") == "unknown") return true;
  // Moments are written so that the later one is the greater text.
  return !key.at("next_try").is_null() && key.at("next_try").as_string() > now;
}

/// No step is under way and nothing will be tried for a while.
bool resting(Site& site) {
  auto const status = site.ask({"status"});
  for (auto const& provider : status.at("providers").as_array()) {
    if (provider.at("last_inventory").is_null() && provider.at("last_error").is_null()) return false;
  }
  auto const& now = status.at("now").as_string();
  return std::ranges::all_of(status.at("attention").as_array(),
                             [&](auto const& key) { return needs_nobody(key, now); });
}

/// Lets rekeyd work, and time pass whenever it waits, until all is settled.
void live_until_settled(Organisation& organisation) {
  Site& site = organisation.site;
  constexpr int lives_max = 8;
  for (int life = 0; life < lives_max; ++life) {
    site.start();
    site.await("rekeyd rests", [&] { return resting(site); });
    bool const settled = site.settled();
    CHECK(site.stop() == 0);
    if (settled) return;
    organisation.let_pass(longer_than_any_lag);
  }
  FAIL("it never settles:\n" << site.log());
}

}  // namespace

TEST_CASE("a rotate call whose answer is lost still makes one version at every provider") {
  auto const rotate_by = GENERATE("automatic", "rotate");
  CAPTURE(rotate_by);
  Organisation::Wanted wanted;
  wanted.settings = [rotate_by](SettingsText& settings) {
    settings.rotate_by = rotate_by;
    settings.set_neutral_rotation_policy = true;
  };
  Organisation organisation(wanted);
  spoil_rotate_calls(organisation.clouds, kind("reset-after"));
  Site& site = organisation.site;
  site.start();
  site.await_settled();
  CHECK(site.stop() == 0);
  CHECK(organisation.clouds.fault_hits() == 5);
  check_one_new_version_each(organisation);
  CHECK(site.number("SELECT count(*) FROM audit_rotations WHERE new_version_made_by = 'rekeyd'") == 5);
}

TEST_CASE("a rotate call that took effect and was answered with nonsense still makes one version") {
  auto const fault = GENERATE("truncate", "malformed-json", "html", "huge-body", "wrong-type");
  CAPTURE(fault);
  Organisation organisation;
  spoil_rotate_calls(organisation.clouds, kind(fault));
  Site& site = organisation.site;
  site.start();
  site.await_settled();
  CHECK(site.stop() == 0);
  CHECK(organisation.clouds.fault_hits() == 5);
  check_one_new_version_each(organisation);
}

TEST_CASE("a rotate call that is throttled is sent again after the time that the provider asks for") {
  Organisation organisation;
  spoil_rotate_calls(organisation.clouds, kind("refuse") + R"(, "status": 429, "retry_after": "1")");
  Site& site = organisation.site;
  site.start();
  site.await_settled();
  CHECK(site.stop() == 0);
  CHECK(organisation.clouds.fault_hits() == 5);
  check_one_new_version_each(organisation);
}

TEST_CASE("a rotate call that never took effect is sent again once nothing can be in flight any more") {
  std::string const fault = GENERATE(kind("reset-before"), kind("refuse") + R"(, "status": 503)");
  CAPTURE(fault);
  Organisation organisation;
  spoil_rotate_calls(organisation.clouds, fault);
  live_until_settled(organisation);
  CHECK(organisation.clouds.fault_hits() == 5);
  check_one_new_version_each(organisation);
}

TEST_CASE("readings that fail in every way there is delay the work and harm nothing") {
  Organisation organisation;
  constexpr std::array faults{"truncate",   "malformed-json", "html",       "huge-body",
                              "wrong-type", "reset-before",   "reset-after"};
  for (std::size_t i = 0; i < faults.size(); ++i) {
    for (std::string const& host : cloud_hosts()) {
      organisation.clouds.add_fault(
          fmt::format(R"({{"host": "{}", "method": "GET", "skip": {}, "times": 1, {}}})", host, 2 + 3 * i,
                      kind(faults.at(i))));
    }
  }
  organisation.clouds.add_fault(
      R"({"method": "GET", "skip": 7, "times": 3, "kind": "refuse", "status": 503})");
  organisation.clouds.add_fault(
      R"({"method": "GET", "skip": 11, "times": 3, "kind": "refuse", "status": 429, "retry_after": "date:1"})");
  live_until_settled(organisation);
  CHECK(organisation.clouds.fault_hits() > 30);
  check_one_new_version_each(organisation);
}

TEST_CASE("a key that cannot be read is unknown and the others rotate") {
  auto const fault = GENERATE("malformed-json", "html", "huge-body", "truncate");
  CAPTURE(fault);
  Organisation organisation;
  for (std::string const& path :
       {std::string("/keys/cmk-due*"), "/api/v2/keys/" + ibm_key_id(101) + "/versions"}) {
    organisation.clouds.add_fault(fmt::format(R"({{"method": "GET", "path": "{}", {}}})", path, kind(fault)));
  }
  Site& site = organisation.site;
  site.start();
  site.await("the others are rotated",
             [&] { return site.number("SELECT count(*) FROM audit_rotations WHERE state = 'done'") == 3; });
  site.await("the broken keys are unknown",
             [&] { return site.ask({"keys", "--status", "unknown"}).at("keys").as_array().size() == 2; });
  CHECK(site.key("azure/payments/cmk-due").at("status") == "unknown");
  CHECK(site.key("kp/orders/" + ibm_key_id(101)).at("status") == "unknown");
  CHECK(organisation.new_versions().size() == 3);
  CHECK(site.stop() == 0);

  organisation.clouds.clear_faults();
  site.start();
  site.await_settled();
  CHECK(site.stop() == 0);
  check_one_new_version_each(organisation);
}

TEST_CASE("a token that expires in the middle of work is renewed") {
  Organisation organisation;
  for (std::string const& host : cloud_hosts()) {
    organisation.clouds.add_fault(
        fmt::format(R"({{"host": "{}", "skip": 8, "times": 1, {}}})", host, kind("expired-token")));
  }
  spoil_rotate_calls(organisation.clouds, kind("expired-token"));
  Site& site = organisation.site;
  site.start();
  site.await_settled();
  CHECK(site.stop() == 0);
  CHECK(organisation.clouds.fault_hits() >= 10);
  check_one_new_version_each(organisation);
}

}  // namespace rekeyd::test
