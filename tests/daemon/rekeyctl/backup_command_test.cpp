// rekeyctl backup and rekeyctl restore, as a person runs them.
#include "storage/backup.hpp"
#include "storage/sqlite_store.hpp"
#include "tests/daemon/rekeyctl/golden_file.hpp"
#include "tests/daemon/rekeyctl/operator_desk.hpp"

#include <SQLiteCpp/Database.h>
#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <filesystem>
#include <fstream>

#include <unistd.h>

using namespace rekeyd;
using namespace rekeyd::test;
using Catch::Matchers::Contains;

namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

/// A state folder with a database of a few events.
struct StateFolder {
  StateFolder() { record("2026-03-01T00:00:00Z", "rekeyd started."); }

  void record(char const* when, char const* sentence) const {
    auto store = storage::open_sqlite_store({.path = path});
    REQUIRE(store);
    HistoryEvent event;
    event.at = at(when);
    event.kind = EventKind::daemon_started;
    event.actor = "rekeyd";
    event.sentence = sentence;
    storage::Change change;
    change.events = {event};
    REQUIRE((*store)->commit(change));
  }

  Ended ctl(std::string const& command, std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {command, "--database", path});
    return OperatorDesk::rekeyctl(arguments);
  }
  /// The output without what differs from run to run, or with a change of the schema.
  std::string told(std::string text) const {
    std::string const bytes = std::to_string(fs::file_size(copy));
    text.replace(text.find(bytes), bytes.size(), "BYTES");
    for (std::string::size_type found; (found = text.find(folder.path().string())) != std::string::npos;) {
      text.replace(found, folder.path().string().size(), "FOLDER");
    }
    return text;
  }

  TemporaryFolder folder;
  std::string path = folder.path() / "rekeyd.db";
  std::string copy = folder.path() / "copy.db";
};

json::value parsed(Ended const& ended) {
  INFO(ended.err);
  REQUIRE(ended.exit == 0);
  return json::parse(ended.out);
}

std::string text(json::value const& value) { return std::string(value.as_string()); }

}  // namespace

TEST_CASE("a backup is made while a daemon works, and tells its head", "[rekeyctl][backup]") {
  StateFolder const state;
  auto const working = storage::open_sqlite_store({.path = state.path});
  REQUIRE(working);
  Ended const ended = state.ctl("backup", {state.copy, "-o", "json"});
  json::value const told = parsed(ended);
  auto const head = (*working)->history_head();
  CHECK(text(told.at("head")) == fmt::format("{}:{}", head->sequence, head->hash));
  CHECK(text(told.at("newest_event")) == "2026-03-01T00:00:00Z");
  CHECK(told.at("bytes").to_number<std::uint64_t>() == fs::file_size(state.copy));
  CHECK(fs::status(state.copy).permissions() == (fs::perms::owner_read | fs::perms::owner_write));
  CHECK_THAT(ended.err, Contains("keep it on another disk"));
  CHECK(OperatorDesk::rekeyctl({"verify", "--database", state.copy}).exit == 0);
}

TEST_CASE("a backup as a table and as JSON", "[rekeyctl][backup]") {
  StateFolder const state;
  for (auto const& [format, file] : {std::pair("json", "backup.json"), std::pair("table", "backup.txt")}) {
    Ended const ended = state.ctl("backup", {state.copy, "--replace", "-o", format});
    INFO(ended.err);
    CHECK(ended.exit == 0);
    std::string const told = state.told(ended.out);
    CHECK(told == golden(file, told));
  }
}

TEST_CASE("a backup replaces a file only when asked", "[rekeyctl][backup]") {
  StateFolder const state;
  REQUIRE(state.ctl("backup", {state.copy}).exit == 0);
  Ended const second = state.ctl("backup", {state.copy});
  CHECK(second.exit == 1);
  CHECK_THAT(second.err, Contains("file_exists") && Contains("--replace"));
  CHECK(state.ctl("backup", {state.copy, "--replace"}).exit == 0);
  CHECK(state.ctl("backup", {}).exit == 64);
}

TEST_CASE("a restore keeps the old database, and says what was lost and who did it", "[rekeyctl][restore]") {
  StateFolder const state;
  std::string const backup_head = text(parsed(state.ctl("backup", {state.copy, "-o", "json"})).at("head"));
  state.record("2026-03-02T00:00:00Z", "rekeyd started again.");
  json::value const told = parsed(state.ctl("restore", {state.copy, "-o", "json"}));
  CHECK(text(told.at("schema")) == "rekeyd.restore/1");
  CHECK(text(told.at("backup_head")) == backup_head);
  CHECK_THAT(text(told.at("replaced_head")), Catch::Matchers::StartsWith("2:"));
  CHECK_THAT(text(told.at("kept")), Contains("rekeyd.db.replaced-"));
  CHECK(fs::exists(text(told.at("kept"))));
  Ended const history = OperatorDesk::rekeyctl({"history", "--database", state.path, "-o", "json"});
  json::value const events = json::parse(history.out);
  REQUIRE(events.at("events").as_array().size() == 2);
  json::value const& last = events.at("events").as_array().back();
  CHECK(text(last.at("kind")) == "database_restored");
  CHECK_THAT(text(last.at("actor")), Contains(fmt::format("uid {}", ::getuid())));
  CHECK(OperatorDesk::rekeyctl({"verify", "--database", state.path, "--expect-head", backup_head}).exit == 0);
  // What an outside witness noted of the lost events shows that they are lost.
  CHECK(OperatorDesk::rekeyctl(
            {"verify", "--database", state.path, "--expect-head", text(told.at("replaced_head"))})
            .exit == 5);
}

TEST_CASE("a restore while a daemon works is refused", "[rekeyctl][restore]") {
  StateFolder const state;
  REQUIRE(state.ctl("backup", {state.copy}).exit == 0);
  auto const working = storage::open_sqlite_store({.path = state.path});
  REQUIRE(working);
  Ended const ended = state.ctl("restore", {state.copy});
  CHECK(ended.exit == 1);
  CHECK(ended.out.empty());
  CHECK_THAT(ended.err, Contains("already_running") && Contains("systemctl stop rekeyd"));
}

TEST_CASE("a backup that was edited is not restored and ends with 5", "[rekeyctl][restore]") {
  StateFolder const state;
  REQUIRE(state.ctl("backup", {state.copy}).exit == 0);
  {
    SQLite::Database database(state.copy, SQLite::OPEN_READWRITE);
    database.exec("DROP TRIGGER history_events_no_update");
    database.exec("UPDATE history_events SET sentence = 'nothing happened'");
  }
  std::string const before = json::serialize(json::value(fs::file_size(state.path)));
  Ended const ended = state.ctl("restore", {state.copy});
  CHECK(ended.exit == 5);
  CHECK_THAT(ended.err, Contains("not sound") && Contains("rekeyctl verify --database " + state.copy));
  CHECK(json::serialize(json::value(fs::file_size(state.path))) == before);
}

TEST_CASE("a file that is no backup, or none at all, is an error that names it", "[rekeyctl][restore]") {
  StateFolder const state;
  std::ofstream(state.copy) << "just some notes, no database";
  Ended const notes = state.ctl("restore", {state.copy});
  CHECK(notes.exit == 1);
  CHECK_THAT(notes.err, Contains("copy.db"));
  Ended const none = state.ctl("restore", {state.copy + ".none"});
  CHECK(none.exit == 1);
  CHECK_THAT(none.err, Contains("copy.db.none"));
}
