// What an auditor types, with Debian's own sqlite3, whatever the daemon does meanwhile.
#include "tests/end_to_end/site.hpp"

#include <catch2/catch.hpp>

namespace rekeyd::test {

namespace {

constexpr char sqlite3[] = "/usr/bin/sqlite3";

Ended query(Site const& site, std::string const& sql) {
  return run_child({sqlite3, "-readonly", site.database(), sql});
}

void check_all_views(Site const& site) {
  for (char const* const view :
       {"audit_root_keys", "audit_key_versions", "audit_rotations", "audit_events", "audit_registrations"}) {
    Ended const answer = query(site, std::string("SELECT count(*) FROM ") + view);
    INFO(view << ": " << answer.err);
    CHECK(answer.exit == 0);
    CHECK(std::stoi("0" + answer.out) > 0);
  }
  Ended const rotations =
      query(site, "SELECT count(*) FROM audit_rotations WHERE state = 'done' AND new_version IS NOT NULL");
  CHECK(rotations.out == "5\n");
  CHECK(query(site, "DELETE FROM history_events").exit != 0);
}

}  // namespace

TEST_CASE("the audit views answer while rekeyd runs, after it has stopped and after it was killed") {
  if (!std::filesystem::exists(sqlite3)) {
    WARN("skipped: there is no " << sqlite3);
    return;
  }
  Organisation::Wanted wanted;
  wanted.keys.orders.front().insert(
      wanted.keys.orders.front().rfind(" }"),
      ", registrations: [{ crn: "
      "\"crn:v1:bluemix:public:is:us-south-1:a/3f5a0c9e7d1b4826a0e4c7b9d2f61835::volume:"
      "r006-7a1e3c52-8f0d-4b69-9c27-5e8d1f4a6b30\" }]");
  Organisation organisation(wanted);
  Site& site = organisation.site;
  site.start();
  site.await_settled();
  check_all_views(site);
  CHECK(site.stop() == 0);
  check_all_views(site);
  site.start();
  site.kill();
  check_all_views(site);
  CHECK_THAT(organisation.amiss_with_history(), Catch::Equals(""));
}

}  // namespace rekeyd::test
