#include "tests/simulation/calendar_oracle.hpp"

#include "policy/calendar.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

namespace rekeyd::simulation {
namespace {

Instant at(char const* text) { return parse_rfc3339(text).value(); }

TEST_CASE("the simulation's calendar knows month ends, the day that returns, and daylight saving") {
  Zone const utc = date::locate_zone("UTC");
  Zone const berlin = date::locate_zone("Europe/Berlin");
  auto const due = [](std::vector<Instant> const& created, int months, Zone zone) {
    return to_rfc3339(calendar_due(created, months, zone));
  };
  CHECK(due({at("2027-01-31T10:00:00Z")}, 1, utc) == "2027-02-28T10:00:00Z");
  CHECK(due({at("2027-01-31T10:00:00Z"), at("2027-02-28T11:00:00Z")}, 1, utc) == "2027-03-31T11:00:00Z");
  CHECK(due({at("2027-01-31T10:00:00Z"), at("2027-03-02T11:00:00Z")}, 1, utc) == "2027-04-02T11:00:00Z");
  CHECK(due({at("2028-02-29T00:00:00Z")}, 12, utc) == "2029-02-28T00:00:00Z");
  // Half past two on 28 March 2027 is skipped there, on 31 October it comes twice.
  CHECK(due({at("2027-02-28T01:30:00Z")}, 1, berlin) == "2027-03-28T01:00:00Z");
  CHECK(due({at("2027-09-30T22:30:00Z")}, 1, berlin) == "2027-10-31T23:30:00Z");
  CHECK(due({at("2027-08-31T00:30:00Z")}, 2, berlin) == "2027-10-31T00:30:00Z");
}

TEST_CASE("it agrees with the daemon's calendar, which was written by other means, through eight years") {
  for (char const* name : {"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"}) {
    Zone const zone = date::locate_zone(name);
    for (Instant day = at("2024-01-01T01:45:10Z"); day < at("2032-01-01T00:00:00Z");
         day += std::chrono::hours(25)) {
      for (int const months : {1, 2, 5, 12}) {
        std::vector<Instant> const created{day};
        unsigned const anchor = anchor_day(created, Months::of(months).value(), zone);
        INFO(name << " " << to_rfc3339(day) << " + " << months);
        REQUIRE(calendar_due(created, months, zone) == add_months(day, months, anchor, zone));
      }
    }
  }
}

}  // namespace
}  // namespace rekeyd::simulation
