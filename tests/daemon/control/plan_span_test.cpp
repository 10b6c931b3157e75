#include "daemon/control/plan_span.hpp"

#include "tests/daemon/control/sample_reports.hpp"

#include <catch2/catch.hpp>

using namespace rekeyd;
using namespace rekeyd::daemon;
using rekeyd::test::at;

TEST_CASE("a span is a number and a unit", "[control][plan]") {
  CHECK(parse_plan_span("12months") == PlanSpan{12, 0});
  CHECK(parse_plan_span("12 months") == PlanSpan{12, 0});
  CHECK(parse_plan_span("1 month") == PlanSpan{1, 0});
  CHECK(parse_plan_span("90days") == PlanSpan{0, 90});
  CHECK(parse_plan_span("2weeks") == PlanSpan{0, 14});
  CHECK(parse_plan_span("10years") == PlanSpan{120, 0});
}

TEST_CASE("what is no span is refused", "[control][plan]") {
  for (char const* text :
       {"", "months", "12", "0days", "-1day", "+1day", "1.5months", "12 eons", "11years", "121months",
        "3654days", "99999999999days", "1  day", " 1day", "1day ", "1Day", "522weeks x"}) {
    INFO(text);
    CHECK_FALSE(parse_plan_span(text));
  }
}

TEST_CASE("a span ends at the same time of day, on the month's last day if need be", "[control][plan]") {
  CHECK(end_of({12, 0}, at("2026-03-02T01:02:03Z")) == at("2027-03-02T01:02:03Z"));
  CHECK(end_of({1, 0}, at("2027-01-31T23:59:59Z")) == at("2027-02-28T23:59:59Z"));
  CHECK(end_of({1, 0}, at("2028-01-31T00:00:00Z")) == at("2028-02-29T00:00:00Z"));
  CHECK(end_of({0, 90}, at("2026-12-31T00:00:00Z")) == at("2027-03-31T00:00:00Z"));
}
