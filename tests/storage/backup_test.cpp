#include "storage/backup.hpp"

#include "storage/read_only.hpp"
#include "storage/verify.hpp"
#include "tests/storage/samples.hpp"
#include "tests/storage/scratch.hpp"
#include "tests/storage/tamper.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <catch2/catch.hpp>

#include <sys/stat.h>

namespace rekeyd::storage::test {

namespace fs = std::filesystem;

TEST_CASE("a backup of a working store holds what was committed, in one private file") {
  Scratch scratch;
  auto const store = open_or_fail(scratch.database());
  commit_or_fail(*store, full_change());
  fs::path const file = scratch.folder() / "copy.db";
  auto const made = back_up(scratch.database(), file, false);
  if (!made) FAIL(to_text(made.error()));
  CHECK(made->head == store->history_head().value());
  CHECK(made->file == file);
  CHECK(made->bytes == fs::file_size(file));
  CHECK(made->newest_event.has_value());
  struct stat status{};
  REQUIRE(::stat(file.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
  for (char const* suffix : {"-wal", "-shm", "-journal"}) CHECK_FALSE(fs::exists(file.string() + suffix));

  Change more;
  more.events = {full_event(moment(1))};
  commit_or_fail(*store, more);  // The daemon goes on; its backup stays what it was.
  auto const reader = open_read_only(file);
  REQUIRE(reader);
  CHECK((*reader)->keys().value() == store->keys().value());
  CHECK((*reader)->history_head().value() == made->head);
}

TEST_CASE("a backup is made while a transaction is under way, of what is committed") {
  Scratch scratch;
  commit_or_fail(*open_or_fail(scratch.database()), full_change());
  SQLite::Database writer(scratch.database().string(), SQLite::OPEN_READWRITE);
  writer.exec("BEGIN IMMEDIATE; UPDATE root_keys SET name = 'half done'");
  auto const made = back_up(scratch.database(), scratch.folder() / "copy.db", false);
  REQUIRE(made);
  CHECK(column(made->file, "SELECT count(*) FROM root_keys WHERE name = 'half done'") ==
        std::vector<std::string>{"0"});
}

TEST_CASE("a backup overwrites nothing unless asked") {
  Scratch scratch;
  auto const store = open_or_fail(scratch.database());
  commit_or_fail(*store, full_change());
  fs::path const file = scratch.folder() / "copy.db";
  write_file(file, "somebody's");
  auto const refused = back_up(scratch.database(), file, false);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == "file_exists");
  CHECK(read_file(file) == "somebody's");
  CHECK(back_up(scratch.database(), file, true));
  CHECK(examine_backup(file));
}

TEST_CASE("a backup never takes the database's own place") {
  Scratch scratch;
  auto const store = open_or_fail(scratch.database());
  commit_or_fail(*store, full_change());
  fs::create_hard_link(scratch.database(), scratch.folder() / "other-name.db");
  for (std::string const name : {"rekeyd.db", "rekeyd.db-wal", "other-name.db"}) {
    auto const refused = back_up(scratch.database(), scratch.folder() / name, true);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == "same_file");
  }
  CHECK(back_up(scratch.database(), scratch.folder(), true).error().code == "not_a_file");
}

TEST_CASE("no backup is made of a database that is not sound, and nothing is left behind") {
  Scratch scratch;
  commit_or_fail(*open_or_fail(scratch.database()), full_change());
  tamper(scratch.database(), "UPDATE history_events SET sentence = 'nothing' WHERE sequence = 2");
  fs::path const file = scratch.folder() / "copy.db";
  auto const refused = back_up(scratch.database(), file, false);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == "not_sound");
  CHECK_FALSE(fs::exists(file));
  for (auto const& entry : fs::directory_iterator(scratch.folder())) {
    CHECK(entry.path().filename().string().find("copy.db") == std::string::npos);
  }
}

TEST_CASE("a folder that is not there is an error that names it") {
  Scratch scratch;
  commit_or_fail(*open_or_fail(scratch.database()), full_change());
  auto const refused = back_up(scratch.database(), scratch.folder() / "none/copy.db", false);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().what.find("none/copy.db") != std::string::npos);
}

TEST_CASE("the newest backup is found beside the database and in its folder backups") {
  Scratch scratch;
  commit_or_fail(*open_or_fail(scratch.database()), full_change());
  CHECK_FALSE(newest_backup(scratch.database()));
  write_file(scratch.folder() / "notes.db", "no database");
  fs::path const first = scratch.folder() / "first.db";
  REQUIRE(back_up(scratch.database(), first, false));
  CHECK(newest_backup(scratch.database()) == first);
  fs::create_directory(scratch.folder() / "backups");
  fs::path const second = scratch.folder() / "backups/second.db";
  REQUIRE(back_up(scratch.database(), second, false));
  fs::last_write_time(first, fs::last_write_time(second) - std::chrono::hours(1));
  CHECK(newest_backup(scratch.database()) == second);
  fs::copy_file(second, scratch.folder() / "rekeyd.db.replaced-20261122T000000Z");
  CHECK(newest_backup(scratch.database()) == second);
}

}  // namespace rekeyd::storage::test
