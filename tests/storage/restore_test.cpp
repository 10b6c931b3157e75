#include "storage/restore.hpp"

#include "storage/verify.hpp"
#include "tests/storage/samples.hpp"
#include "tests/storage/scratch.hpp"
#include "tests/storage/tamper.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <sys/stat.h>

namespace rekeyd::storage::test {

namespace fs = std::filesystem;

namespace {

/// A database with a backup of its first four events, and one event since.
struct Aged {
  Aged() {
    auto const store = open_or_fail(scratch.database());
    commit_or_fail(*store, full_change());
    auto const made = back_up(scratch.database(), backup, false);
    REQUIRE(made);
    backup_head = made->head;
    Change more;
    more.events = {full_event(moment(500))};
    commit_or_fail(*store, more);
    newest_head = store->history_head().value();
  }

  RestoreOrder order() const {
    return {.backup = backup, .database = scratch.database(), .by = "uid 0 (root)", .now = moment(1000)};
  }

  Scratch scratch;
  fs::path backup = scratch.folder() / "copy.db";
  HistoryHead backup_head;
  HistoryHead newest_head;
};

RecordedEvent newest_event(fs::path const& database) {
  auto const events = open_or_fail(database)->history({});
  REQUIRE(events);
  return events->back();
}

}  // namespace

TEST_CASE("a restored database is the backup with an event that says so") {
  Aged aged;
  auto const report = restore(aged.order());
  if (!report) FAIL(to_text(report.error()));
  CHECK(report->backup.head == aged.backup_head);
  CHECK(report->replaced_head == aged.newest_head);
  RecordedEvent const last = newest_event(aged.scratch.database());
  CHECK(last.sequence == aged.backup_head.sequence + 1);
  CHECK(last.event.kind == EventKind::database_restored);
  CHECK(last.event.actor == "uid 0 (root)");
  CHECK(last.event.at == moment(1000));
  CHECK(last.event.details.at("backup_head") ==
        fmt::format("{}:{}", aged.backup_head.sequence, aged.backup_head.hash));
  CHECK(last.event.details.at("replaced_head") ==
        fmt::format("{}:{}", aged.newest_head.sequence, aged.newest_head.hash));
  CHECK(report->head == HistoryHead{last.sequence, last.hash});
  CHECK(verify(aged.scratch.database())->sound());
  // The backup itself is as it was, for the next time.
  CHECK(examine_backup(aged.backup)->head == aged.backup_head);
}

TEST_CASE("the replaced database is kept whole, its log included") {
  Aged aged;
  {
    // A daemon that was killed: the newest commits are in the log only.
    auto const store = open_or_fail(aged.scratch.database());
    Change more;
    more.events = {full_event(moment(600))};
    commit_or_fail(*store, more);
    fs::copy(aged.scratch.database().string() + "-wal", aged.scratch.folder() / "log");
  }
  fs::rename(aged.scratch.folder() / "log", aged.scratch.database().string() + "-wal");
  fs::remove(aged.scratch.database().string() + "-shm");
  auto const report = restore(aged.order());
  REQUIRE(report);
  REQUIRE(report->kept);
  CHECK(report->kept->filename() == "rekeyd.db.replaced-20260301T001640Z");
  CHECK(verify(*report->kept)->last_sequence == aged.newest_head.sequence + 1);
  CHECK(report->replaced_head->sequence == aged.newest_head.sequence + 1);
  CHECK(newest_event(aged.scratch.database()).sequence == aged.backup_head.sequence + 1);
}

TEST_CASE("no reading of the old life counts as one of the new") {
  Aged aged;
  RestoreOrder order = aged.order();
  order.now = moment(50);  // The samples were last seen at 100.
  REQUIRE(restore(order));
  auto const keys = open_or_fail(aged.scratch.database())->keys();
  REQUIRE(keys);
  for (StoredKey const& key : *keys) CHECK(key.last_seen < moment(50));
}

TEST_CASE("nothing is restored while a daemon works on the database") {
  Aged aged;
  auto const store = open_or_fail(aged.scratch.database());
  auto const refused = restore(aged.order());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == "already_running");
  CHECK(refused.error().remedy.find("systemctl stop rekeyd") != std::string::npos);
  CHECK(store->history_head().value() == aged.newest_head);
}

TEST_CASE("a backup that was edited, damaged, cut short or made by a newer version is refused") {
  Aged aged;
  auto const refused = [&](char const* code) {
    auto const report = restore(aged.order());
    REQUIRE_FALSE(report);
    CHECK(report.error().code == code);
    CHECK(report.error().where.find("copy.db") != std::string::npos);
    CHECK(newest_event(aged.scratch.database()).sequence == aged.newest_head.sequence);
  };
  SECTION("edited") {
    tamper(aged.backup, "UPDATE history_events SET actor = 'nobody' WHERE sequence = 1");
    refused("not_sound");
  }
  SECTION("cut short") {
    fs::resize_file(aged.backup, fs::file_size(aged.backup) / 2);
    refused("SQLITE_CORRUPT");
  }
  SECTION("no database") {
    write_file(aged.backup, std::string(8192, 'x'));
    refused("SQLITE_NOTADB");
  }
  SECTION("newer") {
    run_sql(aged.backup, "PRAGMA user_version = 10");
    refused("newer_version");
  }
  SECTION("absent") {
    fs::remove(aged.backup);
    refused("no_such_file");
  }
}

TEST_CASE("the database itself is no backup of itself") {
  Aged aged;
  RestoreOrder order = aged.order();
  order.backup = aged.scratch.database();
  CHECK(restore(order).error().code == "same_file");
}

TEST_CASE("a damaged, an empty or a missing database is replaced, and kept as it is") {
  Aged aged;
  SECTION("damaged") {
    write_file(aged.scratch.database(), std::string(20000, 'x'));
    auto const report = restore(aged.order());
    REQUIRE(report);
    CHECK_FALSE(report->replaced_head);
    CHECK(read_file(report->kept.value()) == std::string(20000, 'x'));
  }
  SECTION("missing, its log left over") {
    fs::remove(aged.scratch.database());
    write_file(aged.scratch.database().string() + "-wal", "what is left");
    auto const report = restore(aged.order());
    REQUIRE(report);
    CHECK_FALSE(report->kept);
  }
  CHECK(verify(aged.scratch.database())->sound());
  CHECK(newest_event(aged.scratch.database()).event.kind == EventKind::database_restored);
}

TEST_CASE("a restore that was cut short keeps the daemon from starting until it is done again") {
  Aged aged;
  write_file(unfinished_restore(aged.scratch.database()), read_file(aged.backup));
  auto const refused = open_sqlite_store({.path = aged.scratch.database()});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == "restore_unfinished");
  CHECK(refused.error().remedy.find("rekeyctl restore") != std::string::npos);
  REQUIRE(restore(aged.order()));
  CHECK(open_sqlite_store({.path = aged.scratch.database()}));
}

TEST_CASE("a restored database belongs to whom the replaced one belonged") {
  Aged aged;
  RestoreOrder order = aged.order();
  REQUIRE(restore(order));
  struct stat status{};
  REQUIRE(::stat(aged.scratch.database().c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
  order.auditor_group = ::getegid();
  REQUIRE(restore(order));
  REQUIRE(::stat(aged.scratch.database().c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0640);
  if (::geteuid() != 0) return;  // Only root can see the next.
  REQUIRE(::chown(aged.scratch.database().c_str(), 4711, 4712) == 0);
  order.auditor_group.reset();
  REQUIRE(restore(order));
  REQUIRE(::stat(aged.scratch.database().c_str(), &status) == 0);
  CHECK(status.st_uid == 4711);
  CHECK(status.st_gid == 4712);
}

}  // namespace rekeyd::storage::test
