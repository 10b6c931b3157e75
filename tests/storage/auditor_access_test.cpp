#include "storage/read_only.hpp"
#include "storage/verify.hpp"
#include "tests/storage/child.hpp"
#include "tests/storage/samples.hpp"
#include "tests/storage/scratch.hpp"

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

// An auditor is a user who is in the auditors' group and nothing else, with plain sqlite3. To be that user
// takes root; elsewhere these tests say that they were skipped.
namespace rekeyd::storage::test {

namespace {

constexpr gid_t auditors = 54322;
User const auditor{54321, auditors};
User const stranger{54323, 54323};
User const daemon_user{54320, 54320, {auditors}};

/// A folder as the package makes it: the daemon's, open for the group to pass.
class StateFolder {
 public:
  StateFolder() {
    REQUIRE(::chown(scratch_.folder().c_str(), daemon_user.uid, auditors) == 0);
    REQUIRE(::chmod(scratch_.folder().c_str(), 0750) == 0);
  }
  std::filesystem::path database() const { return scratch_.database(); }

 private:
  Scratch scratch_;
};

bool can_be_others() {
  if (!is_root()) {
    WARN("skipped: needs root to become another user");
    return false;
  }
  if (run_program({"sqlite3", "--version"}).status != 0) {
    WARN("skipped: there is no sqlite3 program");
    return false;
  }
  return true;
}

OpenOptions options_for(std::filesystem::path const& database) {
  OpenOptions options;
  options.path = database;
  options.auditor_group = auditors;
  return options;
}

/// For use in a child: opens, commits `changes` times four events, and returns the store for ever.
Store* start_daemon(std::filesystem::path const& database, int changes = 1) {
  Store* const store = open_sqlite_store(options_for(database)).value().release();
  for (int i = 0; i < changes; ++i) store->commit(full_change()).value();
  return store;
}

Output query(std::filesystem::path const& database, std::string const& sql, User const& user = auditor) {
  return run_program({"sqlite3", database.string(), sql}, user);
}

void check_auditor_counts(std::filesystem::path const& database, int events) {
  Output const counted = query(database, "SELECT count(*) FROM audit_events");
  INFO(counted.err);
  CHECK(counted.status == 0);
  CHECK(counted.out == std::to_string(events) + "\n");
  // Our own reader as that user: rekeyctl history and verify.
  CHECK(in_child(
            [&] {
              auto const reader = open_read_only(database);
              if (!reader) return to_text(reader.error());
              auto const report = verify(database);
              if (!report) return to_text(report.error());
              return std::to_string((*reader)->history({}).value().size()) +
                     (report->sound() ? " sound" : " not");
            },
            auditor) == std::to_string(events) + " sound");
}

}  // namespace

TEST_CASE("an auditor reads while the daemon runs and after it stopped and after it was killed") {
  if (!can_be_others()) return;
  StateFolder const folder;
  {
    WaitingChild daemon([&] { return start_daemon(folder.database()) ? "ready" : ""; }, daemon_user);
    REQUIRE(daemon.said() == "ready");
    check_auditor_counts(folder.database(), 4);
    daemon.kill_now();
    check_auditor_counts(folder.database(), 4);
  }
  // Another life, which ends well.
  REQUIRE(in_child(
              [&] {
                delete start_daemon(folder.database());
                return std::string("stopped");
              },
              daemon_user) == "stopped");
  check_auditor_counts(folder.database(), 8);
  // And one that recovers what the killed one left, with the auditor coming again and again.
  WaitingChild daemon([&] { return start_daemon(folder.database()) ? "ready" : ""; }, daemon_user);
  REQUIRE(daemon.said() == "ready");
  check_auditor_counts(folder.database(), 12);
}

TEST_CASE("an auditor's queries work at every moment of a busy daemon") {
  if (!can_be_others()) return;
  StateFolder const folder;
  WaitingChild first([&] { return start_daemon(folder.database()) ? "ready" : ""; }, daemon_user);
  REQUIRE(first.said() == "ready");
  first.kill_now();
  // Writes until it is killed, checkpoints included.
  Store* store = nullptr;
  WaitingChild writer(
      [&] {
        store = start_daemon(folder.database());
        return "ready";
      },
      daemon_user,
      [&] {
        Change many;
        many.events.assign(40, full_event(moment(5)));
        while (store->commit(many)) continue;
      });
  REQUIRE(writer.said() == "ready");
  long before = 0;
  for (int i = 0; i < 40; ++i) {
    Output const counted = query(folder.database(), "SELECT count(*) FROM audit_events");
    INFO(counted.err);
    REQUIRE(counted.status == 0);
    long const now = std::stol(counted.out);
    CHECK(now >= before);
    before = now;
  }
  CHECK(before > 8);
  writer.kill_now();
  CHECK(query(folder.database(), "PRAGMA integrity_check").out == "ok\n");
}

TEST_CASE("an auditor can change nothing") {
  if (!can_be_others()) return;
  StateFolder const folder;
  WaitingChild daemon([&] { return start_daemon(folder.database()) ? "ready" : ""; }, daemon_user);
  REQUIRE(daemon.said() == "ready");
  Output const tried = query(folder.database(), "DELETE FROM registrations");
  CHECK(tried.status != 0);
  CHECK(tried.err.find("readonly") != std::string::npos);
  CHECK(query(folder.database(), "SELECT count(*) FROM audit_registrations").out == "2\n");
  // Nor lock the daemon out.
  std::string const lock = folder.database().string() + ".lock";
  CHECK(in_child([&] { return std::string(::open(lock.c_str(), O_RDONLY) < 0 ? "refused" : "opened"); },
                 auditor) == "refused");
}

TEST_CASE("someone outside the group reads nothing") {
  if (!can_be_others()) return;
  StateFolder const folder;
  WaitingChild daemon([&] { return start_daemon(folder.database()) ? "ready" : ""; }, daemon_user);
  REQUIRE(daemon.said() == "ready");
  CHECK(query(folder.database(), "SELECT count(*) FROM audit_events", stranger).status != 0);
  std::string const said = in_child(
      [&] {
        auto const reader = open_read_only(folder.database());
        return reader ? std::string("read") : reader.error().remedy;
      },
      stranger);
  CHECK(said.find("check") != std::string::npos);
}

TEST_CASE("without side files a read-only member still reads with our reader and with immutable") {
  if (!can_be_others()) return;
  StateFolder const folder;
  REQUIRE(in_child(
              [&] {
                delete start_daemon(folder.database());
                return std::string("stopped");
              },
              daemon_user) == "stopped");
  // What a plain sqlite3 started by root or by the daemon's user does when it is the last to leave.
  REQUIRE(query(folder.database(), "SELECT 1 FROM audit_events", daemon_user).status == 0);
  REQUIRE_FALSE(std::filesystem::exists(folder.database().string() + "-shm"));
  std::string const uri = "file:" + folder.database().string() + "?immutable=1";
  CHECK(query(uri, "SELECT count(*) FROM audit_events").out == "4\n");
  CHECK(in_child(
            [&] {
              auto const reader = open_read_only(folder.database());
              return reader ? std::to_string((*reader)->history({}).value().size()) : to_text(reader.error());
            },
            auditor) == "4");
}

TEST_CASE("files that lost the group get it back at the next start") {
  if (!can_be_others()) return;
  StateFolder const folder;
  for (int round = 0; round < 2; ++round) {
    WaitingChild daemon([&] { return start_daemon(folder.database()) ? "ready" : ""; }, daemon_user);
    REQUIRE(daemon.said() == "ready");
    for (char const* suffix : {"", "-wal", "-shm"}) {
      std::string const path = folder.database().string() + suffix;
      struct stat found{};
      REQUIRE(::stat(path.c_str(), &found) == 0);
      CHECK(found.st_gid == auditors);
      CHECK((found.st_mode & 07777) == 0640);
      REQUIRE(::chown(path.c_str(), daemon_user.uid, daemon_user.gid) == 0);
      REQUIRE(::chmod(path.c_str(), 0600) == 0);
    }
  }
}

TEST_CASE("a daemon that is not in the auditors' group is told so at its start") {
  if (!can_be_others()) return;
  StateFolder const folder;
  std::string const said = in_child(
      [&] {
        auto const store = open_sqlite_store(options_for(folder.database()));
        return store ? std::string("opened") : to_text(store.error());
      },
      User{daemon_user.uid, daemon_user.gid, {}});
  CHECK(said.find("54322") != std::string::npos);
  CHECK(said.find("SupplementaryGroups=") != std::string::npos);
}

TEST_CASE("a file that the daemon may not write is an error that says so") {
  if (!can_be_others()) return;
  StateFolder const folder;
  REQUIRE(in_child(
              [&] {
                delete start_daemon(folder.database());
                return std::string("stopped");
              },
              daemon_user) == "stopped");
  std::string const said = in_child(
      [&] {
        auto const store = open_sqlite_store(options_for(folder.database()));
        return store ? std::string("opened") : to_text(store.error());
      },
      auditor);
  CHECK(said.find("Permission denied") != std::string::npos);
  CHECK(said.find("check the owner") != std::string::npos);
}

TEST_CASE("a folder that shuts the auditors out is named with its remedy") {
  Scratch scratch;
  REQUIRE(::chmod(scratch.folder().c_str(), 0700) == 0);
  auto const obstacle = auditor_obstacle(scratch.database(), auditors);
  REQUIRE(obstacle);
  CHECK(obstacle->find(scratch.folder().string() + " (mode 700") != std::string::npos);
  CHECK(obstacle->find("0711") != std::string::npos);
  REQUIRE(::chmod(scratch.folder().c_str(), 0711) == 0);
  CHECK_FALSE(auditor_obstacle(scratch.database(), auditors));
}

}  // namespace rekeyd::storage::test
