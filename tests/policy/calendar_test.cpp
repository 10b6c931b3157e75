#include "policy/calendar.hpp"

#include "policy/instant.hpp"

#include <catch2/catch.hpp>
#include <date/tz.h>

#include <algorithm>
#include <vector>

namespace rekeyd {
namespace {

Zone zone(char const* name) { return date::locate_zone(name); }
Instant at(char const* text) { return parse_rfc3339(text).value(); }

/// An independent model of "N months later": counts months on its own, knows each month's length from a table
/// and the Gregorian rule, and asks nobody's calendar.
struct PlainDate {
  int year, month, day;
  bool operator==(PlainDate const&) const = default;
};

int length_of(int year, int month) {
  constexpr int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  bool const leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : lengths[month - 1];
}

PlainDate months_later(PlainDate from, int months, int anchor) {
  for (int i = 0; i < months; ++i) {
    if (++from.month == 13) {
      from.month = 1;
      ++from.year;
    }
  }
  from.day = std::min(anchor, length_of(from.year, from.month));
  return from;
}

PlainDate plain(Instant instant) {
  date::year_month_day const day(date::floor<date::days>(instant));
  return {static_cast<int>(day.year()), static_cast<int>(static_cast<unsigned>(day.month())),
          static_cast<int>(static_cast<unsigned>(day.day()))};
}

TEST_CASE("every start day of 2024 to 2032 and every interval lands where a plain calendar says") {
  Zone const utc = zone("UTC");
  date::sys_days const end = date::sys_days(date::year(2033) / 1 / 1);
  for (date::sys_days day = date::sys_days(date::year(2024) / 1 / 1); day < end; day += date::days(1)) {
    Instant const from = Instant(day) + std::chrono::seconds(3723);
    PlainDate const start = plain(from);
    for (int months = 1; months <= 12; ++months) {
      Instant const to = add_months(from, months, static_cast<unsigned>(start.day), utc);
      REQUIRE(plain(to) == months_later(start, months, start.day));
      REQUIRE(to - date::floor<date::days>(to) == std::chrono::seconds(3723));
    }
  }
}

TEST_CASE("a later start never gives an earlier date") {
  Zone const berlin = zone("Europe/Berlin");
  for (int months = 1; months <= 12; ++months) {
    Instant before{};
    for (Instant from = at("2024-01-01T00:00:00Z"); from < at("2028-01-01T00:00:00Z");
         from += std::chrono::hours(13)) {
      date::year_month_day const local(date::floor<date::days>(berlin->to_local(from)));
      Instant const to = add_months(from, months, static_cast<unsigned>(local.day()), berlin);
      REQUIRE(to > from);
      // Clamping folds the last days of a long month onto one day, so only whole days are compared.
      REQUIRE(to + std::chrono::hours(24) > before);
      before = std::max(before, to);
    }
  }
}

TEST_CASE("the thirty-first comes back after a short month") {
  Zone const utc = zone("UTC");
  Instant const january = at("2027-01-31T08:00:00Z");
  Instant const february = add_months(january, 1, 31, utc);
  CHECK(to_rfc3339(february) == "2027-02-28T08:00:00Z");
  std::vector<Instant> const created{january, february};
  unsigned const anchor = anchor_day(created, *Months::of(1), utc);
  CHECK(anchor == 31);
  CHECK(to_rfc3339(add_months(february, 1, anchor, utc)) == "2027-03-31T08:00:00Z");
  CHECK(to_rfc3339(add_months(at("2028-01-31T08:00:00Z"), 1, 31, utc)) == "2028-02-29T08:00:00Z");
}

TEST_CASE("a rotation on another day than the clamped one sets the day anew") {
  Zone const utc = zone("UTC");
  std::vector<Instant> const late{at("2027-01-31T08:00:00Z"), at("2027-03-02T08:00:00Z")};
  CHECK(anchor_day(late, *Months::of(1), utc) == 2);
  std::vector<Instant> const early{at("2027-01-31T08:00:00Z"), at("2027-02-20T08:00:00Z")};
  CHECK(anchor_day(early, *Months::of(1), utc) == 20);
}

TEST_CASE("the day is counted in the policy's zone") {
  // 23:30 UTC on 30 January is already 31 January in Berlin.
  Instant const from = at("2027-01-30T23:30:00Z");
  std::vector<Instant> const created{from};
  CHECK(anchor_day(created, *Months::of(1), zone("Europe/Berlin")) == 31);
  CHECK(to_rfc3339(add_months(from, 2, 31, zone("Europe/Berlin"))) == "2027-03-30T22:30:00Z");
}

TEST_CASE("a wall-clock time that daylight saving skips or repeats has one meaning") {
  Zone const berlin = zone("Europe/Berlin");
  // 02:30 on 28 March 2027 does not exist: the clocks go from 02:00 to 03:00 (01:00 UTC).
  CHECK(to_rfc3339(add_months(at("2027-02-28T01:30:00Z"), 1, 28, berlin)) == "2027-03-28T01:00:00Z");
  // 02:30 on 31 October 2027 comes twice: the first is summer time, 00:30 UTC.
  CHECK(to_rfc3339(add_months(at("2027-08-31T00:30:00Z"), 2, 31, berlin)) == "2027-10-31T00:30:00Z");
}

TEST_CASE("months hold 1 to 12 and nothing else") {
  CHECK_FALSE(Months::of(0));
  CHECK_FALSE(Months::of(13));
  CHECK_FALSE(Months::of(-1));
  CHECK(Months::of(1)->count() == 1);
  CHECK(Months::of(12)->count() == 12);
}

TEST_CASE("dates of providers are read in all their forms and in no other") {
  Instant const moment = at("2026-02-03T04:05:06Z");
  CHECK(parse_rfc3339("2026-02-03T04:05:06+0000") == moment);
  CHECK(parse_rfc3339("2026-02-03T04:05:06.123456+00:00") == moment);
  CHECK(parse_rfc3339("2026-02-03T05:05:06+01:00") == moment);
  CHECK(parse_rfc3339("2026-02-03T04:05:06.999Z") == moment);
  CHECK(parse_rfc3339("2026-02-03T04:05:06.123456789Z") == moment);
  for (char const* wrong :
       {"", "2026-02-03", "2026-02-30T00:00:00Z", "2026-02-03T04:05:06", "2026-02-03T04:05:06Zx",
        "2026-02-03 04:05:06Z", "x2026-02-03T04:05:06Z", "2026-13-03T04:05:06Z",
        "1013-05-01T0]:00:10.123456+00:00", "2026-02-03T04:05:nan+00:00", "2026-02-03T04:05:06.",
        "2026-02-03T04:05:06.x", "2026-02-03T04:05:06.Z", "2026-05-01T00:00:10-.12+45v+re:00",
        "2026-02-03T04:05:06.5", "2026-02-03T04:05:06+1:00", "2026-02-03T24:05:06Z", "2026-02-03T04:60:06Z",
        "2026-02-03T04:05:61Z"}) {
    INFO(wrong);
    CHECK_FALSE(parse_rfc3339(wrong));
  }
  CHECK(parse_rfc3339("2026-02-02T22:35:06-05:30") == moment);
  CHECK(parse_rfc3339("2026-02-03T18:05:06+1400") == moment);
  CHECK_FALSE(parse_rfc3339("2026-02-30T00:00:00+00:00"));
  CHECK(to_rfc3339(at("2028-02-29T23:59:59Z")) == "2028-02-29T23:59:59Z");
  CHECK(to_rfc3339(moment) == "2026-02-03T04:05:06Z");
  CHECK(to_rfc3339(at("9999-12-31T23:59:59Z")) == "9999-12-31T23:59:59Z");
}

}  // namespace
}  // namespace rekeyd
