// rekeyctl rehearse on what a living daemon has found and rotated.
#include "tests/end_to_end/site.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include <map>
#include <string>

namespace rekeyd::test {

namespace {

namespace json = boost::json;
using Dates = std::map<std::string, std::string>;

/// The first date of each key.
Dates first_dates(json::value const& entries, char const* moment) {
  Dates dates;
  for (json::value const& entry : entries.as_array())
    dates.emplace(std::string(entry.at("key").as_string()), std::string(entry.at(moment).as_string()));
  return dates;
}

}  // namespace

TEST_CASE("a rehearsal rotates when the plan says, and the clouds hear nothing of it") {
  Organisation organisation;
  Site& site = organisation.site;
  site.start();
  site.await_settled();
  auto const before = organisation.new_versions();
  json::value const told = site.ask({"rehearse", "--months", "20", "--config", site.config_file()});
  CHECK(told.at("keys") == 10);
  CHECK(told.at("wdeks") == 20);
  CHECK(told.at("troubles").as_array().empty());
  CHECK(told.at("notes").as_array().size() <= 1);  // How often it looks at its keys.
  CHECK(told.at("summary").at("done") == 10);
  CHECK(told.at("summary").at("wdeks_moved") == 20);
  Dates const rehearsed = first_dates(told.at("rotations"), "due");
  CHECK(rehearsed.size() == 10);
  CHECK(rehearsed == first_dates(site.ask({"plan", "--for", "20months"}).at("entries"), "at"));
  CHECK(organisation.new_versions() == before);
  CHECK_THAT(organisation.amiss_with_deks(), Catch::Equals(""));
  CHECK(site.stop() == 0);
  // Without the daemon it is the same.
  CHECK(site.rekeyctl({"rehearse", "--months", "1", "--config", site.config_file()}).exit == 0);
  CHECK_THAT(organisation.amiss_with_history(), Catch::Equals(""));
}

}  // namespace rekeyd::test
