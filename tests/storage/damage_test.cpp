// What the daemon does not start on: nothing is rotated on a guess.
#include "storage/backup.hpp"
#include "storage/sqlite_store.hpp"
#include "tests/storage/samples.hpp"
#include "tests/storage/scratch.hpp"
#include "tests/storage/tamper.hpp"

#include <catch2/catch.hpp>

namespace rekeyd::storage::test {

namespace fs = std::filesystem;

namespace {

/// A database of some size with a backup beside it, and a daemon that has ended.
struct Damaged {
  Damaged() {
    auto const store = open_or_fail(scratch.database());
    commit_or_fail(*store, full_change());
    REQUIRE(back_up(scratch.database(), backup, false));
    Change many;
    many.events.assign(2000, full_event(moment(5)));
    commit_or_fail(*store, many);
  }

  std::string const path() const { return scratch.database().string(); }

  /// The error of the start that must fail, checked for what every such error says.
  Error refusal() const {
    std::string const before = fs::exists(path()) ? read_file(path()) : "";
    auto const opened = open_sqlite_store({.path = path()});
    if (opened) FAIL("it opened");
    Error const& error = opened.error();
    CHECK(error.where == path());
    CHECK(error.remedy.find("rekeyctl restore " + backup.string() + " --database " + path()) !=
          std::string::npos);
    CHECK((fs::exists(path()) ? read_file(path()) : "") == before);
    return error;
  }

  void overwrite(std::size_t at, std::string const& bytes) const {
    std::string text = read_file(path());
    text.replace(at, bytes.size(), bytes);
    write_file(path(), text);
  }

  Scratch scratch;
  fs::path backup = scratch.folder() / "2026-11-22.db";
};

constexpr std::size_t page = 4096;

}  // namespace

TEST_CASE("a database with holes is refused, with the newest backup and the command") {
  Damaged const damaged;
  std::size_t const hole = GENERATE(std::size_t{1}, std::size_t{20}, std::size_t{100});
  damaged.overwrite(hole * page, std::string(page, '\0'));
  Error const error = damaged.refusal();
  CHECK((error.code == "damaged" || error.code == "SQLITE_CORRUPT"));
}

TEST_CASE("a truncated database is refused") {
  Damaged const damaged;
  std::size_t const left = GENERATE(std::size_t{100}, page, 40 * page, 40 * page + 17);
  fs::resize_file(damaged.path(), left);
  CHECK_FALSE(damaged.refusal().what.empty());
}

TEST_CASE("a database that has become empty is not taken for a new one") {
  Damaged const damaged;
  fs::resize_file(damaged.path(), 0);
  CHECK(damaged.refusal().code == "database_missing");
}

TEST_CASE("a log without its database is refused, and no new database is made") {
  Damaged const damaged;
  fs::remove(damaged.path());
  Error const error = damaged.refusal();
  CHECK(error.code == "database_missing");
  CHECK(error.what.find("rekeyd.db-wal") != std::string::npos);
  CHECK_FALSE(fs::exists(damaged.path()));
}

TEST_CASE("a journal without its database is refused") {
  Damaged const damaged;
  for (char const* suffix : {"", "-wal", "-shm"}) fs::remove(damaged.path() + suffix);
  write_file(damaged.path() + "-journal", "left over");
  CHECK(damaged.refusal().what.find("rekeyd.db-journal") != std::string::npos);
}

TEST_CASE("a file that is no database is refused") {
  Damaged const damaged;
  damaged.overwrite(0, "not an SQLite database at all");
  CHECK(damaged.refusal().code == "SQLITE_NOTADB");
}

TEST_CASE("a log of another copy of the database is refused before anything is written") {
  Damaged const damaged;
  std::string const old = read_file(damaged.backup);
  {
    // Much is written and moved into the database; the log then holds the newest only.
    auto const store = open_or_fail(damaged.path());
    for (int i = 0; i < 4; ++i) {
      Change many;
      many.events.assign(1500, full_event(moment(6)));
      commit_or_fail(*store, many);
    }
    fs::copy_file(damaged.path() + "-wal", damaged.scratch.folder() / "log");
  }
  for (char const* suffix : {"-wal", "-shm"}) fs::remove(damaged.path() + suffix);
  write_file(damaged.path(), old);
  run_sql(damaged.path(), "PRAGMA journal_mode = WAL");
  for (char const* suffix : {"-wal", "-shm"}) fs::remove(damaged.path() + suffix);
  fs::rename(damaged.scratch.folder() / "log", damaged.path() + "-wal");
  CHECK_FALSE(damaged.refusal().what.empty());
}

TEST_CASE("events taken out by hand are holes, too") {
  Damaged const damaged;
  tamper(damaged.path(), "DELETE FROM history_events WHERE sequence BETWEEN 10 AND 20");
  CHECK(damaged.refusal().code == "events_missing");
}

TEST_CASE("without a backup beside it the way back is still told") {
  Damaged const damaged;
  fs::remove(damaged.backup);
  fs::resize_file(damaged.path(), 3 * page);
  auto const opened = open_sqlite_store({.path = damaged.path()});
  REQUIRE_FALSE(opened);
  CHECK(opened.error().remedy.find("no backup lies beside it") != std::string::npos);
}

TEST_CASE("an unfinished rotation or step with a word of another version is refused, not skipped") {
  Damaged const damaged;
  auto const [of, name, word] =
      GENERATE(table<char const*, char const*, char const*>({{"rotations", "step", "hibernate"},
                                                             {"rotations", "\"trigger\"", "emergency"},
                                                             {"steps", "step", "approve"}}));
  bool const of_step = std::string_view(of) == "steps";
  std::string const sql = std::string("UPDATE ") + of + " SET " + name + " = '" + word + "'" +
                          (of_step ? " WHERE rotation = 'r-1' AND step = 'claim'" : "");
  run_sql(damaged.path(), sql);
  auto const store = open_or_fail(damaged.path());
  Error error;
  if (!of_step) {
    auto const read = store->unfinished_rotations();
    REQUIRE_FALSE(read);
    error = read.error();
  } else {
    auto const read = store->steps(RotationId("r-1"));
    REQUIRE_FALSE(read);
    error = read.error();
  }
  CHECK(error.code == "unknown_word");
  CHECK(error.what.find(word) != std::string::npos);
  CHECK(error.remedy.find("version of rekeyd that wrote it") != std::string::npos);
}

}  // namespace rekeyd::storage::test
