#include "tests/rehearsal/diary.hpp"

#include <catch2/catch.hpp>

using namespace rekeyd;
using namespace rekeyd::rehearsal;

namespace {

constexpr std::chrono::hours a_day{24};
Instant const begin = parse_rfc3339("2026-11-22T00:00:00Z").value();

daemon::KeyReport report(char const* name, KeyStatus status, std::string reason = {}) {
  daemon::KeyReport key;
  key.key = {ProviderName("p"), VaultName("v"), KeyId(name)};
  key.name = name;
  key.policy = "all";
  key.every_months = 3;
  key.verdict.status = status;
  key.verdict.reason = std::move(reason);
  key.verdict.sentence = "a sentence";
  return key;
}

Rotation rotation(char const* id, RotationState state) {
  Rotation of;
  of.id = RotationId(id);
  of.key = {ProviderName("p"), VaultName("v"), KeyId("k")};
  of.policy = PolicyName("all");
  of.state = state;
  of.due = of.opened = begin + a_day;
  return of;
}

std::vector<std::string> kinds(Findings const& findings) {
  std::vector<std::string> words;
  for (Trouble const& trouble : findings.troubles) words.emplace_back(to_text(trouble.kind));
  return words;
}

struct Book {
  Diary diary{KnownState{}, begin, a_day};
  Findings closed(std::vector<daemon::KeyReport> const& keys, Instant at = begin + 30 * a_day) {
    return diary.closed(keys, PolicySet{}, at);
  }
};

}  // namespace

TEST_CASE("a rotation that was parked and went on is told with its reason", "[rehearsal]") {
  Book book;
  Rotation of = rotation("1", RotationState::blocked);
  of.blocked_reason = "access";
  of.message = "may not";
  book.diary.committed({.rotations = {of}});
  book.diary.committed({.rotations = {of}});  // A further row of the same state is no second time.
  of = rotation("1", RotationState::done);
  of.ended = begin + a_day + std::chrono::hours(2);
  book.diary.committed({.rotations = {of}});
  Findings const findings = book.closed({});
  REQUIRE(kinds(findings) == std::vector<std::string>{"was_blocked"});
  CHECK(findings.troubles[0].reason == "access");
  CHECK(findings.rotations[0].times_blocked == 1);
  CHECK(book.diary.rotations_begun() == 1);
}

TEST_CASE("a rotation is late when it ends later than is tolerated", "[rehearsal]") {
  for (auto const& [hours, late] : {std::pair(23, false), std::pair(25, true)}) {
    Book book;
    Rotation of = rotation("1", RotationState::done);
    of.ended = *of.due + std::chrono::hours(hours);
    book.diary.committed({.rotations = {of}});
    CHECK((kinds(book.closed({})) == std::vector<std::string>{"late"}) == late);
  }
}

TEST_CASE("what was overdue when the rehearsal began is not late for that alone", "[rehearsal]") {
  Book book;
  Rotation of = rotation("1", RotationState::done);
  of.due = begin - 30 * a_day;
  of.ended = begin + std::chrono::hours(1);
  book.diary.committed({.rotations = {of}});
  CHECK(kinds(book.closed({})).empty());
}

TEST_CASE("a key past its date is overdue at the end, whatever it waits for", "[rehearsal]") {
  for (KeyStatus const status :
       {KeyStatus::due, KeyStatus::overdue, KeyStatus::waiting, KeyStatus::rotating}) {
    auto key = report("k", status);
    key.verdict.due = begin;
    CHECK(kinds(Book().closed({key}, begin + a_day)) == std::vector<std::string>{"overdue"});
    CHECK(kinds(Book().closed({key}, begin + a_day - std::chrono::seconds(1))).empty());
  }
  auto ready = report("k", KeyStatus::ready);
  ready.verdict.due = begin;
  CHECK(kinds(Book().closed({ready})).empty());
}

TEST_CASE("keys that are blocked, unknown or not covered at the end are told, the bad ones first",
          "[rehearsal]") {
  Findings const findings = Book().closed(
      {report("a", KeyStatus::observed, "no_policy"), report("b", KeyStatus::unknown, "unreadable"),
       report("c", KeyStatus::blocked, "policy_conflict"), report("d", KeyStatus::observed, "mode_observe")});
  CHECK(kinds(findings) == std::vector<std::string>{"blocked", "unknown", "not_covered"});
  CHECK(is_bad(findings.troubles[0].kind));
  CHECK(!is_bad(findings.troubles[1].kind));
}

TEST_CASE("the limit of versions is told a year of monthly rotations ahead", "[rehearsal]") {
  for (auto const& [versions, told] : {std::pair(87U, false), std::pair(88U, true), std::pair(100U, true)}) {
    auto key = report("k", KeyStatus::ready);
    key.versions_max = 100;
    key.versions = versions;
    CHECK((kinds(Book().closed({key})) == std::vector<std::string>{"versions"}) == told);
  }
  auto key = report("k", KeyStatus::ready);
  key.versions_max = 100;
  key.versions = 98;
  CHECK_THAT(Book().closed({key}).troubles[0].sentence, Catch::Contains("lasts for 6 months"));
}

TEST_CASE("a wait lasts from the key's date to the last look that saw it", "[rehearsal]") {
  Book book;
  auto key = report("k", KeyStatus::waiting, "per_hour");
  key.verdict.waits_for = WaitsFor::quota;
  key.verdict.due = begin + std::chrono::hours(1);
  auto other = report("l", KeyStatus::waiting, "per_hour");
  other.verdict.waits_for = WaitsFor::quota;
  other.verdict.due = begin - a_day;  // Before the rehearsal nothing waited in it.
  book.diary.looked({key, other}, begin + std::chrono::hours(2));
  book.diary.looked({key, report("l", KeyStatus::ready)}, begin + std::chrono::hours(9));
  Findings const findings = book.closed({});
  REQUIRE(findings.waits.size() == 1);
  RehearsedWait const& wait = findings.waits[0];
  CHECK(wait.keys == 2);
  CHECK(wait.first == begin);
  CHECK(wait.last == begin + std::chrono::hours(9));
  CHECK(wait.longest == std::chrono::hours(8));
}

TEST_CASE("the calls of all lives of the daemon count together", "[rehearsal]") {
  Book book;
  daemon::ProviderReport provider;
  provider.name = ProviderName("p");
  provider.keys = 3;
  provider.calls.calls = 10;
  provider.calls.throttled = 1;
  book.diary.life_over({provider});
  provider.calls.calls = 5;
  provider.calls.throttled = 0;
  book.diary.life_over({provider});
  Findings const findings = book.closed({});
  CHECK(findings.providers[0].calls == 15);
  CHECK(findings.providers[0].keys == 3);
  REQUIRE(kinds(findings) == std::vector<std::string>{"throttled"});
  CHECK(findings.troubles[0].sentence == "it refused 1 of 15 calls as too many");
}
