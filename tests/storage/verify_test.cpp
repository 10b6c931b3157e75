#include "storage/verify.hpp"

#include "tests/storage/samples.hpp"
#include "tests/storage/scratch.hpp"
#include "tests/storage/tamper.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

namespace rekeyd::storage::test {

namespace {

HistoryEvent sparse_event(Instant at) {
  HistoryEvent event;
  event.at = at;
  return event;
}

/// A closed database with 20 events: every field filled, every second one sparse.
struct Recorded {
  Recorded() {
    auto const store = open_or_fail(scratch.database());
    commit_or_fail(*store, full_change());
    Change more;
    for (int i = 0; i < 16; ++i) {
      more.events.push_back(i % 2 == 0 ? full_event(moment(100 + i)) : sparse_event(moment(100 + i)));
    }
    commit_or_fail(*store, more);
    head = store->history_head().value();
  }
  Scratch scratch;
  HistoryHead head;
};

VerifyReport report_of(Recorded const& recorded, VerifyOptions const& options = {}) {
  auto report = verify(recorded.scratch.database(), options);
  if (!report) FAIL(to_text(report.error()));
  return std::move(*report);
}

bool found(VerifyReport const& report, FindingKind kind, std::int64_t sequence) {
  return std::ranges::any_of(report.findings,
                             [&](Finding const& f) { return f.kind == kind && f.sequence == sequence; });
}

struct Column {
  std::string name;
  bool nullable;
};

std::vector<Column> event_columns() {
  Scratch scratch;
  (void)open_or_fail(scratch.database());
  auto const names = column(scratch.database(), "SELECT name FROM pragma_table_info('history_events')");
  auto const not_null =
      column(scratch.database(), "SELECT \"notnull\" FROM pragma_table_info('history_events')");
  std::vector<Column> columns;
  columns.reserve(names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    columns.push_back({names[i], not_null[i] == "0" && names[i] != "sequence"});
  }
  return columns;
}

/// An SQL expression for another value of the column's own type.
std::string another_value(std::string const& name) {
  if (name == "sequence") return "sequence + 1000";
  if (name == "at") return "at + 1";
  if (name == "hash") return "zeroblob(32)";
  return "coalesce(" + name + ", '') || 'x'";
}

void set(Recorded const& recorded, std::string const& name, std::string const& value, int sequence) {
  tamper(recorded.scratch.database(), "UPDATE history_events SET " + name + " = " + value +
                                          " WHERE sequence = " + std::to_string(sequence));
}

}  // namespace

TEST_CASE("an untouched history is sound and its head is told") {
  Recorded const recorded;
  VerifyReport const report = report_of(recorded, {.expected_head = recorded.head});
  CHECK(report.sound());
  CHECK(report.events == 20);
  CHECK(report.first_sequence == 1);
  CHECK(report.last_sequence == 20);
  CHECK(report.head_hash == recorded.head.hash);
}

TEST_CASE("an empty history is sound") {
  Scratch scratch;
  (void)open_or_fail(scratch.database());
  auto const report = verify(scratch.database());
  REQUIRE(report);
  CHECK(report->sound());
  CHECK(report->events == 0);
  CHECK(report->head_hash == std::string(64, '0'));
}

TEST_CASE("a change of any column of any event is found") {
  auto const columns = event_columns();
  REQUIRE(columns.size() == 17);
  int const sequence = GENERATE(1, 2, 12, 20);
  for (Column const& column : columns) {
    INFO(column.name << " of event " << sequence);
    Recorded const recorded;
    set(recorded, column.name, another_value(column.name), sequence);
    VerifyReport const report = report_of(recorded);
    CHECK_FALSE(report.sound());
    bool const moved = column.name == "sequence";
    CHECK(found(report, moved ? FindingKind::events_missing : FindingKind::event_altered, sequence));
  }
}

TEST_CASE("nothing that becomes an empty text and the reverse are found") {
  int const sequence = GENERATE(2, 6);  // a full event, a sparse one
  for (Column const& column : event_columns()) {
    if (!column.nullable) continue;
    INFO(column.name << " of event " << sequence);
    Recorded const recorded;
    set(recorded, column.name, "CASE WHEN " + column.name + " IS NULL THEN '' END", sequence);
    CHECK(found(report_of(recorded), FindingKind::event_altered, sequence));
  }
}

TEST_CASE("details that mean the same but are written otherwise are found") {
  Recorded const recorded;
  set(recorded, "details", "replace(details, ',', ', ')", 2);
  CHECK(found(report_of(recorded), FindingKind::event_altered, 2));
}

TEST_CASE("one changed event is one finding") {
  Recorded const recorded;
  set(recorded, "sentence", "'nothing happened'", 7);
  CHECK(report_of(recorded).findings_total == 1);
}

TEST_CASE("a deleted event is found wherever it stood") {
  Recorded const recorded;
  auto const [first, last] = GENERATE(table<int, int>({{1, 1}, {1, 5}, {8, 8}, {8, 12}, {19, 19}}));
  tamper(recorded.scratch.database(), "DELETE FROM history_events WHERE sequence BETWEEN " +
                                          std::to_string(first) + " AND " + std::to_string(last));
  VerifyReport const report = report_of(recorded);
  CHECK(found(report, FindingKind::events_missing, first));
  CHECK(report.findings_total == 1);
}

TEST_CASE("a deleted event is found when the later ones were renumbered") {
  Recorded const recorded;
  tamper(recorded.scratch.database(),
         "DELETE FROM history_events WHERE sequence = 8;"
         "UPDATE history_events SET sequence = -sequence WHERE sequence > 8;"
         "UPDATE history_events SET sequence = -sequence - 1 WHERE sequence < 0;");
  CHECK(found(report_of(recorded), FindingKind::event_altered, 8));
}

TEST_CASE("two events that changed places are found") {
  Recorded const recorded;
  tamper(recorded.scratch.database(),
         "UPDATE history_events SET sequence = -1 WHERE sequence = 6;"
         "UPDATE history_events SET sequence = 6 WHERE sequence = 7;"
         "UPDATE history_events SET sequence = 7 WHERE sequence = -1;");
  VerifyReport const report = report_of(recorded);
  CHECK(found(report, FindingKind::event_altered, 6));
  CHECK(found(report, FindingKind::event_altered, 7));
}

TEST_CASE("an event put in is found at the end and before the beginning") {
  Recorded const recorded;
  std::string const number = GENERATE("21", "0", "-5", "500");
  tamper(
      recorded.scratch.database(),
      "INSERT INTO history_events SELECT " + number +
          ", at, kind, outcome, provider, vault, key_id, version, policy, rotation, step, actor, sentence, "
          "error_code, request_id, details, hash FROM history_events WHERE sequence = 20");
  CHECK_FALSE(report_of(recorded).sound());
}

TEST_CASE("a cut tail is found by a head that was noted before") {
  Recorded const recorded;
  tamper(recorded.scratch.database(), "DELETE FROM history_events WHERE sequence > 15");
  CHECK(report_of(recorded).sound());  // the chain alone cannot know
  VerifyReport const report = report_of(recorded, {.expected_head = recorded.head});
  CHECK(found(report, FindingKind::head_missing, 20));
}

TEST_CASE("an emptied history is found by a head that was noted before") {
  Recorded const recorded;
  tamper(recorded.scratch.database(), "DELETE FROM history_events");
  CHECK(found(report_of(recorded, {.expected_head = recorded.head}), FindingKind::head_missing, 20));
}

TEST_CASE("a history that goes on keeps the heads noted before") {
  Recorded const recorded;
  {
    auto const store = open_or_fail(recorded.scratch.database());
    Change more;
    more.events = {full_event(moment(900))};
    commit_or_fail(*store, more);
  }
  VerifyReport const report = report_of(recorded, {.expected_head = recorded.head});
  CHECK(report.sound());
  CHECK(report.last_sequence == 21);
}

TEST_CASE("a rewritten history is found by a head that was noted before") {
  Recorded const recorded;
  Scratch forged;
  {
    auto const store = open_or_fail(forged.database());
    Change change;
    for (int i = 0; i < 20; ++i) change.events.push_back(full_event(moment(i)));
    commit_or_fail(*store, change);
  }
  auto const report = verify(forged.database(), {.expected_head = recorded.head});
  REQUIRE(report);
  CHECK(found(*report, FindingKind::head_differs, 20));
}

TEST_CASE("a head that is none is an error and not a finding") {
  Recorded const recorded;
  auto const head =
      GENERATE(HistoryHead{3, "abc"}, HistoryHead{3, ""}, HistoryHead{-1, std::string(64, 'a')});
  auto const report = verify(recorded.scratch.database(), {.expected_head = head});
  REQUIRE_FALSE(report);
  CHECK(report.error().code == "bad_head");
}

TEST_CASE("missing changed and foreign schema objects are found") {
  Recorded const recorded;
  std::string const change = GENERATE(
      "DROP TRIGGER history_events_no_update", "DROP VIEW audit_rotations",
      "DROP VIEW audit_events; CREATE VIEW audit_events AS SELECT 1", "DROP INDEX rotations_one_open",
      "CREATE TRIGGER sly AFTER INSERT ON rotations BEGIN DELETE FROM steps; END",
      "CREATE TABLE notes (text TEXT)");
  run_sql(recorded.scratch.database(), change);
  VerifyReport const report = report_of(recorded);
  CHECK(found(report, FindingKind::schema_changed, 0));
  CHECK(report.findings_total == 1);
}

TEST_CASE("statistics from an ANALYZE are no finding") {
  Recorded const recorded;
  run_sql(recorded.scratch.database(), "ANALYZE");
  CHECK(report_of(recorded).sound());
}

TEST_CASE("a row that names a missing one is found") {
  Recorded const recorded;
  run_sql(recorded.scratch.database(), "PRAGMA foreign_keys = OFF; DELETE FROM root_keys");
  CHECK(found(report_of(recorded), FindingKind::reference_broken, 0));
}

TEST_CASE("a damaged page is a finding") {
  Recorded const recorded;
  std::string bytes = read_file(recorded.scratch.database());
  auto const pages =
      column(recorded.scratch.database(), "SELECT rootpage FROM sqlite_schema WHERE name = 'history_events'");
  auto const start = static_cast<std::size_t>(std::stoi(pages.at(0)) - 1) * 4096;
  bytes.replace(start, 64, std::string(64, '\x5a'));
  write_file(recorded.scratch.database(), bytes);
  CHECK(found(report_of(recorded), FindingKind::file_damaged, 0));
}

TEST_CASE("findings beyond the limit are counted and not kept") {
  Recorded const recorded;
  tamper(recorded.scratch.database(), "UPDATE history_events SET sentence = 'x'");
  VerifyReport const report = report_of(recorded, {.findings_max = 3});
  CHECK(report.findings.size() == 3);
  CHECK(report.findings_total == 20);
}

TEST_CASE("a history is verified while its daemon writes") {
  Scratch scratch;
  auto const store = open_or_fail(scratch.database());
  commit_or_fail(*store, full_change());
  auto const report = verify(scratch.database());
  REQUIRE(report);
  CHECK(report->sound());
  CHECK(report->events == 4);
  Change more;
  more.events = {full_event(moment(1))};
  commit_or_fail(*store, more);
}

TEST_CASE("what cannot be examined is an error") {
  Scratch scratch;
  auto const missing = verify(scratch.database());
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == "no_such_file");
  write_file(scratch.database(), std::string(5000, 'x'));
  auto const other = verify(scratch.database());
  REQUIRE_FALSE(other);
  CHECK(other.error().code == "SQLITE_NOTADB");
}

TEST_CASE("finding kinds have their words") {
  CHECK(std::string(to_text(FindingKind::event_altered)) == "event_altered");
  CHECK(std::string(to_text(FindingKind::reference_broken)) == "reference_broken");
}

}  // namespace rekeyd::storage::test
