#include "storage/sqlite_store.hpp"
#include "tests/daemon/rekeyctl/golden_file.hpp"
#include "tests/daemon/rekeyctl/operator_desk.hpp"

#include <SQLiteCpp/Database.h>
#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>

using namespace rekeyd;
using namespace rekeyd::test;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

HistoryEvent event(char const* when, EventKind kind, EventOutcome outcome, char const* sentence) {
  HistoryEvent e;
  e.at = at(when);
  e.kind = kind;
  e.outcome = outcome;
  e.actor = "rekeyd";
  e.sentence = sentence;
  return e;
}

std::vector<HistoryEvent> sample_history() {
  HistoryEvent started =
      event("2026-03-01T00:00:00Z", EventKind::daemon_started, EventOutcome::ok, "rekeyd started.");
  HistoryEvent asked = event("2026-03-01T10:00:00Z", EventKind::requested, EventOutcome::ok,
                             "Asked to rotate: \"leaver\", at once.");
  asked.actor = "uid 1000 (anna)";
  asked.key = sample_rotation().key;
  HistoryEvent failed = event("2026-03-01T10:00:05Z", EventKind::step_failed, EventOutcome::failed,
                              "The provider answered 503.\nTry again later.");
  failed.key = sample_rotation().key;
  failed.policy = PolicyName("payments");
  failed.step = "rotate";
  failed.error_code = "ServiceUnavailable";
  failed.request_id = "4f1c";
  failed.details = {{"attempt", "1"}, {"http_status", "503"}};
  HistoryEvent held =
      event("2026-03-02T00:00:00Z", EventKind::step_waiting, EventOutcome::held, "Waits for quota.");
  held.key = KeyRef::parse("ibm-prod/kp-eu/7c1d9b52").value();
  return {started, asked, failed, held};
}

/// A database with history, left as a daemon leaves it.
struct Archive {
  TemporaryFolder folder;
  std::string path = (folder.path() / "rekeyd.db").string();

  explicit Archive(std::vector<HistoryEvent> const& events = sample_history()) {
    storage::OpenOptions options;
    options.path = path;
    auto store = storage::open_sqlite_store(options);
    REQUIRE(store);
    storage::Change change;
    for (HistoryEvent const& each : events) {
      if (each.key) change.keys.push_back(known_key(*each.key));
    }
    change.events = events;
    REQUIRE((*store)->commit(change));
  }

  static storage::StoredKey known_key(KeyRef const& ref) {
    storage::StoredKey stored;
    stored.key.ref = ref;
    stored.key.name = ref.id.str();
    stored.first_seen = stored.last_seen = at("2026-03-01T00:00:00Z");
    return stored;
  }

  Ended ctl(std::vector<std::string> command) const {
    command.insert(command.begin() + 1, {"--database", path});
    return OperatorDesk::rekeyctl(command);
  }
  std::vector<std::int64_t> sequences(std::vector<std::string> filters) const {
    filters.insert(filters.begin(), "history");
    filters.insert(filters.end(), {"-o", "json"});
    Ended const ended = ctl(filters);
    INFO(ended.err);
    REQUIRE(ended.exit == 0);
    std::vector<std::int64_t> all;
    boost::json::value const document = boost::json::parse(ended.out);
    for (auto const& each : document.at("events").as_array()) {
      all.push_back(each.at("sequence").to_number<std::int64_t>());
    }
    return all;
  }
};

using Sequences = std::vector<std::int64_t>;

}  // namespace

TEST_CASE("history is shown as JSON, as CSV and as a table", "[rekeyctl][history]") {
  Archive const archive;
  for (auto const& [format, file] : {std::pair("json", "history.json"), std::pair("csv", "history.csv"),
                                     std::pair("table", "history.txt")}) {
    Ended const ended = archive.ctl({"history", "-o", format});
    INFO(ended.err);
    CHECK(ended.exit == 0);
    CHECK(ended.out == golden(file, ended.out));
  }
}

TEST_CASE("CSV quotes what RFC 4180 says", "[rekeyctl][history]") {
  Archive const archive;
  std::string const csv = archive.ctl({"history", "-o", "csv"}).out;
  CHECK_THAT(csv, StartsWith("sequence,at,kind,outcome,key,"));
  CHECK_THAT(csv, Contains("\"Asked to rotate: \"\"leaver\"\", at once.\""));
  CHECK_THAT(csv, Contains("\"The provider answered 503.\nTry again later.\""));
  CHECK_THAT(csv, Contains("\"{\"\"attempt\"\":\"\"1\"\",\"\"http_status\"\":\"\"503\"\"}\""));
  CHECK(csv.ends_with("\r\n"));
}

TEST_CASE("history is filtered by every filter", "[rekeyctl][history]") {
  Archive const archive;
  CHECK(archive.sequences({}) == Sequences{1, 2, 3, 4});
  CHECK(archive.sequences({"--key", "azure-prod/payments-eu/cmk-cards"}) == Sequences{2, 3});
  CHECK(archive.sequences({"--key", "7c1d"}) == Sequences{4});
  CHECK(archive.sequences({"--policy", "payments"}) == Sequences{3});
  CHECK(archive.sequences({"--since", "2026-03-01T10:00:05Z"}) == Sequences{3, 4});
  CHECK(archive.sequences({"--until", "2026-03-02"}) == Sequences{1, 2, 3});
  CHECK(archive.sequences({"--outcome", "failed"}) == Sequences{3});
  CHECK(archive.sequences({"--outcome", "held", "--key", "cmk-cards"}).empty());
  CHECK(archive.sequences({"--kind", "requested"}) == Sequences{2});
  CHECK(archive.sequences({"--rotation", "none"}).empty());
}

TEST_CASE("a history filter that can match nothing is wrong usage, one that matches nothing says so",
          "[rekeyctl][history]") {
  Archive const archive;
  for (std::string const limit : {"-1", "1.5", "many", "", "99999999999999999999"}) {
    Ended const wrong = archive.ctl({"history", "--limit", limit});
    INFO(wrong.err);
    CHECK(wrong.exit == 64);
    CHECK_THAT(wrong.err, Contains("--limit") && Contains("is not a number of events"));
  }
  Ended const backwards = archive.ctl({"history", "--since", "2027-01-01", "--until", "2026-01-01"});
  CHECK(backwards.exit == 64);
  CHECK_THAT(backwards.err, Contains("--until lies before --since"));
  Ended const none = archive.ctl({"history", "--policy", "nobody"});
  CHECK(none.exit == 0);
  CHECK(none.err == "rekeyctl: no event matches\n");
}

TEST_CASE("the newest are shown, and how many were left out", "[rekeyctl][history]") {
  Archive const archive(std::vector<HistoryEvent>(
      2500, event("2026-03-01T00:00:00Z", EventKind::daemon_started, EventOutcome::ok, "rekeyd started.")));
  Sequences const last_two = archive.sequences({"--limit", "2"});
  CHECK(last_two == Sequences{2499, 2500});
  CHECK(archive.sequences({}).size() == 1000);
  CHECK(archive.sequences({}).back() == 2500);
  CHECK(archive.sequences({"--limit", "0"}).size() == 2500);
  CHECK(archive.ctl({"history", "--limit", "2"}).err ==
        "rekeyctl: 2498 older events left out; --limit 0 shows all\n");
}

TEST_CASE("a history that cannot be read is an error", "[rekeyctl][history]") {
  TemporaryFolder const folder;
  for (std::string const command : {"history", "verify"}) {
    Ended const none = OperatorDesk::rekeyctl({command, "--database", folder.path() / "none.db"});
    CHECK(none.exit == 1);
    CHECK(none.out.empty());
    CHECK_THAT(none.err, Contains("none.db"));
    Ended const other = OperatorDesk::rekeyctl(
        {command, "--database", folder.write("notes.db", "just some notes, no database")});
    CHECK(other.exit == 1);
    CHECK_THAT(other.err, Contains("notes.db"));
  }
}

TEST_CASE("a sound history verifies, with and without an expected head", "[rekeyctl][verify]") {
  Archive const archive;
  Ended const first = archive.ctl({"verify", "-o", "json"});
  CHECK(first.exit == 0);
  CHECK(first.out == golden("verify.json", first.out));
  std::string const head(boost::json::parse(first.out).at("head").as_string());
  CHECK(archive.ctl({"verify", "--expect-head", head}).exit == 0);
  CHECK_THAT(archive.ctl({"verify"}).out, StartsWith("history  sound\nevents   4\nhead     " + head));
}

TEST_CASE("an edited history ends with 5", "[rekeyctl][verify]") {
  Archive const archive;
  {
    SQLite::Database database(archive.path, SQLite::OPEN_READWRITE);
    database.exec("PRAGMA writable_schema=ON");
    database.exec("DELETE FROM sqlite_schema WHERE type='trigger' AND tbl_name='history_events'");
  }
  {
    SQLite::Database database(archive.path, SQLite::OPEN_READWRITE);
    REQUIRE(database.exec("UPDATE history_events SET sentence='nothing happened' WHERE sequence=3") == 1);
  }
  Ended const ended = archive.ctl({"verify"});
  CHECK(ended.exit == 5);
  CHECK_THAT(ended.out,
             StartsWith("history  NOT SOUND") && Contains("event_altered") && Contains("schema_changed"));
  CHECK_THAT(ended.err, Contains(archive.path));
  Ended const as_json = archive.ctl({"verify", "-o", "json"});
  CHECK(as_json.exit == 5);
  CHECK_FALSE(boost::json::parse(as_json.out).at("sound").as_bool());
}

TEST_CASE("a cut-off tail shows against an expected head", "[rekeyctl][verify]") {
  Archive const archive;
  std::string const later = "9:" + std::string(64, 'a');
  Ended const ended = archive.ctl({"verify", "--expect-head", later});
  CHECK(ended.exit == 5);
  CHECK_THAT(ended.out, Contains("head_missing"));
  CHECK_THAT(archive.ctl({"verify", "--expect-head", "4:" + std::string(64, 'a')}).out,
             Contains("head_differs"));
}
