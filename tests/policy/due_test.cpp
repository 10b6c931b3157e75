#include "policy/due.hpp"

#include "tests/policy/key_maker.hpp"

#include <catch2/catch.hpp>

#include <set>

namespace rekeyd {
namespace {

using test::a_key;
using test::a_policy;
using test::a_version;
using test::at;

AppliedPolicy applied(RotationPolicy const& policy) {
  return {&policy, policy.every, policy.mode, policy.place};
}

TEST_CASE("a key is due its interval after its current version was made") {
  RotationPolicy const policy = a_policy("p", {.key = "*"}, 3);
  std::vector<KeyVersion> const versions{a_version("v1", "2026-01-10T00:00:00Z"),
                                         a_version("v2", "2026-05-20T06:00:00Z")};
  CHECK(to_rfc3339(due_at(applied(policy), a_key("k"), versions)) == "2026-08-20T06:00:00Z");
}

TEST_CASE("the dates of a plan keep the anchor's day over short months") {
  RotationPolicy const policy = a_policy("p", {.key = "*"}, 1);
  std::vector<KeyVersion> const versions{a_version("v1", "2026-12-31T00:00:00Z")};
  std::vector<Instant> const dates =
      due_dates_until(applied(policy), a_key("k"), versions, at("2027-05-01T00:00:00Z"));
  REQUIRE(dates.size() == 4);
  CHECK(to_rfc3339(dates[0]) == "2027-01-31T00:00:00Z");
  CHECK(to_rfc3339(dates[1]) == "2027-02-28T00:00:00Z");
  CHECK(to_rfc3339(dates[2]) == "2027-03-31T00:00:00Z");
  CHECK(to_rfc3339(dates[3]) == "2027-04-30T00:00:00Z");
  CHECK(dates[0] == due_at(applied(policy), a_key("k"), versions));
}

TEST_CASE("the spread is drawn from key and date alone, lies within its bounds and differs between keys") {
  auto const spread = std::chrono::hours(4);
  Instant const date = at("2027-01-01T00:00:00Z");
  std::set<std::chrono::seconds> seen;
  for (int i = 0; i < 500; ++i) {
    KeyRef const key = a_key("key-" + std::to_string(i)).ref;
    std::chrono::seconds const offset = spread_offset(key, date, spread);
    REQUIRE(offset >= std::chrono::seconds(0));
    REQUIRE(offset < spread);
    REQUIRE(offset == spread_offset(key, date, spread));
    seen.insert(offset);
  }
  CHECK(seen.size() > 450);
  // Written down, so that an upgrade that moves due dates is noticed.
  CHECK(spread_offset(a_key("cmk-ledger").ref, date, spread).count() == 8660);
  CHECK(spread_offset(a_key("cmk-ledger").ref, date, std::chrono::seconds(0)).count() == 0);
}

TEST_CASE("looking again never moves a due date") {
  RotationPolicy policy = a_policy("p", {.key = "*"}, 2);
  policy.spread = std::chrono::hours(9);
  std::vector<KeyVersion> const versions{a_version("v1", "2026-08-31T22:10:11Z")};
  Instant const first = due_at(applied(policy), a_key("k"), versions);
  for (int i = 0; i < 1000; ++i) REQUIRE(due_at(applied(policy), a_key("k"), versions) == first);
}

}  // namespace
}  // namespace rekeyd
