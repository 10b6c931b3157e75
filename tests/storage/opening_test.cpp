#include "storage/connection.hpp"
#include "storage/read_only.hpp"
#include "storage/schema.hpp"
#include "tests/storage/child.hpp"
#include "tests/storage/samples.hpp"
#include "tests/storage/scratch.hpp"
#include "tests/storage/tamper.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <catch2/catch.hpp>

#include <sys/stat.h>
#include <unistd.h>

namespace rekeyd::storage::test {

namespace {

Result<std::unique_ptr<Store>> open_store(std::filesystem::path const& path) {
  OpenOptions options;
  options.path = path;
  return open_sqlite_store(options);
}

/// The error of an opening that must fail, checked for what every error needs.
Error refusal(std::filesystem::path const& path) {
  auto const opened = open_store(path);
  if (opened) FAIL("it opened");
  CHECK(opened.error().error_class == ErrorClass::storage);
  CHECK_FALSE(opened.error().what.empty());
  CHECK_FALSE(opened.error().remedy.empty());
  CHECK(opened.error().where.find(path.parent_path().string()) == 0);
  return opened.error();
}

mode_t mode_of(std::filesystem::path const& path) {
  struct stat found{};
  REQUIRE(::stat(path.c_str(), &found) == 0);
  return found.st_mode & 07777;
}

}  // namespace

TEST_CASE("an absent file becomes a database of this version") {
  Scratch scratch;
  (void)open_or_fail(scratch.database());
  CHECK(column(scratch.database(), "PRAGMA user_version") == std::vector<std::string>{"8"});
  CHECK(column(scratch.database(), "PRAGMA application_id") == std::vector<std::string>{"1380664665"});
  CHECK(column(scratch.database(), "PRAGMA journal_mode") == std::vector<std::string>{"wal"});
  CHECK(read_file(scratch.database()).substr(68, 4) == "RKEY");
}

TEST_CASE("an empty file becomes a database") {
  Scratch scratch;
  write_file(scratch.database(), "");
  commit_or_fail(*open_or_fail(scratch.database()), full_change());
  CHECK(open_or_fail(scratch.database())->keys().value().size() == 2);
}

TEST_CASE("every table is strict and opening again changes nothing of the schema") {
  Scratch scratch;
  (void)open_or_fail(scratch.database());
  CHECK(column(scratch.database(),
               "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND NOT strict "
               "AND name NOT LIKE 'sqlite%'")
            .empty());
  auto const before = column(scratch.database(), "SELECT sql FROM sqlite_schema ORDER BY name");
  (void)open_or_fail(scratch.database());
  CHECK(column(scratch.database(), "SELECT sql FROM sqlite_schema ORDER BY name") == before);
}

TEST_CASE("a database from a newer version is refused with both versions and left alone") {
  Scratch scratch;
  commit_or_fail(*open_or_fail(scratch.database()), full_change());
  run_sql(scratch.database(), "PRAGMA user_version = 9");
  std::string const before = read_file(scratch.database());
  Error const error = refusal(scratch.database());
  CHECK(error.code == "newer_version");
  CHECK(error.what.find("version 9") != std::string::npos);
  CHECK(error.what.find("up to 8") != std::string::npos);
  auto const reader = open_read_only(scratch.database());
  REQUIRE_FALSE(reader);
  CHECK(reader.error().code == "newer_version");
  CHECK(read_file(scratch.database()) == before);
}

TEST_CASE("a file that is no database is refused and left alone") {
  Scratch scratch;
  auto const bytes = GENERATE(as<std::string>(), "hello", std::string(511, 'x'), std::string(10000, 'x'),
                              "SQLite format 2\n" + std::string(9000, '\0'));
  write_file(scratch.database(), bytes);
  CHECK(refusal(scratch.database()).code == "SQLITE_NOTADB");
  CHECK(read_file(scratch.database()) == bytes);
}

TEST_CASE("another program's database is refused and left alone") {
  Scratch scratch;
  std::string const sql = GENERATE("CREATE TABLE t (a)", "CREATE TABLE t (a); PRAGMA application_id = 77",
                                   "PRAGMA user_version = 1; CREATE TABLE root_keys (a)");
  run_sql(scratch.database(), sql);
  std::string const before = read_file(scratch.database());
  CHECK(refusal(scratch.database()).code == "not_ours");
  CHECK(read_file(scratch.database()) == before);
}

TEST_CASE("a database of ours with an impossible version is refused") {
  Scratch scratch;
  (void)open_or_fail(scratch.database());
  run_sql(scratch.database(), "PRAGMA user_version = 0");
  CHECK(refusal(scratch.database()).code == "damaged_header");
}

/// The file as a rekeyd of that schema version has left it, with one key and what `rows` inserts.
void write_older(std::filesystem::path const& database, std::int64_t version, char const* rows = "") {
  write_file(database, "");
  Connection old(database, Access::read_write, std::chrono::milliseconds(0));
  migrate(old, version);
  old.execute(R"sql(
    INSERT INTO root_keys (id, provider, vault, key_id, name, state, algorithm, bits, protection, origin, tags,
      operations, exportable, release_policy, managed_elsewhere, key_ring, first_seen, last_seen, gone)
    VALUES (1, 'p', 'v', 'k', 'k', 'active', 'rsa', 2048, 'hsm', 'generated', '{}', '[]', 0, 0, 0, '', 1, 2, 0))sql");
  old.execute(rows);
}

TEST_CASE("a database of the version before is brought up, and its keys count as judged") {
  Scratch scratch;
  write_older(scratch.database(), 1);
  auto const store = open_or_fail(scratch.database());
  auto const keys = store->keys();
  REQUIRE(keys);
  REQUIRE(keys->size() == 1);
  CHECK(keys->front().admitted);
  CHECK(store->holds().value().empty());
  CHECK(column(scratch.database(), "PRAGMA user_version") == std::vector<std::string>{"8"});
}

TEST_CASE("a rotate request that an older rekeyd put on record is as old as its rotation") {
  Scratch scratch;
  write_older(scratch.database(), 2, R"sql(
      INSERT INTO rotations (id, root_key, policy, "trigger", requested_by, reason, known_versions,
        new_version_made_by, step, state, attempts, last_sent, blocked_reason, message, remedy, opened, updated)
      VALUES ('r', 1, '', 'request', '', '', '[]', 'unknown', 'rotate', 'open', 0, 9, '', '', '', 5, 9))sql");
  auto const store = open_or_fail(scratch.database());
  auto const rotations = store->unfinished_rotations();
  REQUIRE(rotations);
  REQUIRE(rotations->size() == 1);
  RequestsSent const sent{Instant(std::chrono::seconds(5)), Instant(std::chrono::seconds(9))};
  CHECK(rotations->front().sent == sent);
}

TEST_CASE("a registration of an older rekeyd says nothing of how it follows") {
  Scratch scratch;
  write_older(scratch.database(), 3, R"sql(
      INSERT INTO registrations (root_key, resource, kind, prevents_deletion) VALUES (1, 'crn:x', 'volume', 1))sql");
  auto const registrations = open_or_fail(scratch.database())->registrations_under("crn:").value();
  REQUIRE(registrations.size() == 1);
  CHECK(registrations[0].following == Following::unknown);
  CHECK_FALSE(registrations[0].condition);
  CHECK(registrations[0].tied.empty());
}

TEST_CASE("of a key of an older rekeyd it is not known what its release policy says until it is read") {
  Scratch scratch;
  write_older(scratch.database(), 7, "UPDATE root_keys SET release_policy = 1, exportable = 1");
  auto const keys = open_or_fail(scratch.database())->keys().value();
  REQUIRE(keys.size() == 1);
  CHECK(keys[0].key.release_policy.empty());
  CHECK(keys[0].key.exportable);
}

TEST_CASE("a cut-off database is refused") {
  Scratch scratch;
  commit_or_fail(*open_or_fail(scratch.database()), full_change());
  std::string const bytes = read_file(scratch.database());
  REQUIRE(bytes.size() > 10UL * 4096);
  auto const size = GENERATE_COPY(50u, 100u, 3000u, 4096u, 5 * 4096u, 5 * 4096u + 100u,
                                  static_cast<unsigned>(bytes.size()) - 4096u);
  INFO(size << " bytes left");
  write_file(scratch.database(), bytes.substr(0, size));
  std::string const code = refusal(scratch.database()).code;
  CHECK((code == "SQLITE_CORRUPT" || code == "SQLITE_NOTADB"));
}

TEST_CASE("a path that is a folder or leads nowhere is refused") {
  Scratch scratch;
  std::filesystem::create_directory(scratch.folder() / "folder.db");
  CHECK(refusal(scratch.folder() / "folder.db").code == "not_a_file");
  Error const error = refusal(scratch.folder() / "nowhere" / "rekeyd.db");
  CHECK(error.what.find("No such file or directory") != std::string::npos);
  CHECK(error.remedy.find("StateDirectory") != std::string::npos);
}

TEST_CASE("paths with every odd byte work") {
  Scratch scratch;
  auto const path = scratch.folder() / "a b?c#d%20e'f\"\xc3\xa4;&=.db";
  commit_or_fail(*open_or_fail(path), full_change());
  CHECK(std::filesystem::exists(path));
  auto const reader = open_read_only(path);
  REQUIRE(reader);
  CHECK((*reader)->keys().value().size() == 2);
}

TEST_CASE("a second daemon on the same database is refused and told the pid of the first") {
  Scratch scratch;
  auto first = open_or_fail(scratch.database());
  Error const error = refusal(scratch.database());
  CHECK(error.code == "already_running");
  CHECK(error.what.find("process " + std::to_string(::getpid())) != std::string::npos);
  first.reset();
  (void)open_or_fail(scratch.database());
}

TEST_CASE("a killed daemon's lock is free and its commits are there") {
  Scratch scratch;
  WaitingChild daemon([&] {
    auto* const store = open_store(scratch.database()).value().release();
    return std::string(store->commit(full_change()) ? "committed" : "refused");
  });
  REQUIRE(daemon.said() == "committed");
  Error const error = refusal(scratch.database());
  CHECK(error.what.find("process " + std::to_string(daemon.pid())) != std::string::npos);
  daemon.kill_now();
  CHECK(open_or_fail(scratch.database())->history_head().value().sequence == 4);
}

TEST_CASE("without auditors nobody but the owner may read") {
  Scratch scratch;
  auto const store = open_or_fail(scratch.database());
  for (char const* suffix : {"", "-wal", "-shm", ".lock"}) {
    CHECK(mode_of(scratch.database().string() + suffix) == 0600);
  }
}

TEST_CASE("history can be appended to and nothing else") {
  Scratch scratch;
  commit_or_fail(*open_or_fail(scratch.database()), full_change());
  std::string const row =
      ", at, kind, outcome, provider, vault, key_id, version, policy, rotation, step, actor, sentence, "
      "error_code, "
      "request_id, details, hash FROM history_events WHERE sequence = 1";
  for (std::string const& sql :
       {std::string("UPDATE history_events SET sentence = 'x' WHERE sequence = 2"),
        std::string("UPDATE OR REPLACE history_events SET sequence = 1 WHERE sequence = 2"),
        std::string("DELETE FROM history_events"), "INSERT OR REPLACE INTO history_events SELECT 2" + row,
        "INSERT INTO history_events SELECT 9" + row, "INSERT INTO history_events SELECT 0" + row,
        "INSERT INTO history_events SELECT NULL" + row,
        "INSERT OR IGNORE INTO history_events SELECT 99" + row}) {
    INFO(sql);
    CHECK(complaint(scratch.database(), sql).find("history is append-only") == 0);
  }
  CHECK(column(scratch.database(), "SELECT count(*) FROM history_events") == std::vector<std::string>{"4"});
}

TEST_CASE("commits stop when someone else has written into the history") {
  Scratch scratch;
  auto const store = open_or_fail(scratch.database());
  commit_or_fail(*store, full_change());
  tamper(scratch.database(), "DELETE FROM history_events WHERE sequence = 4");
  Change more;
  more.events = {full_event(moment(1))};
  auto const refused = store->commit(more);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == "history_changed");
}

TEST_CASE("a word that no version writes is an error that names the column") {
  Scratch scratch;
  commit_or_fail(*open_or_fail(scratch.database()), full_change());
  run_sql(scratch.database(),
          "UPDATE root_keys SET state = 'asleep'; UPDATE rotations SET known_versions = '[1]'");
  auto const store = open_or_fail(scratch.database());
  auto const keys = store->keys();
  REQUIRE_FALSE(keys);
  CHECK(keys.error().code == "unknown_word");
  CHECK(keys.error().what.find("root_keys.state") != std::string::npos);
  auto const rotation = store->rotation(RotationId("r-1"));
  REQUIRE_FALSE(rotation);
  CHECK(rotation.error().code == "damaged_column");
}

TEST_CASE("a foreign writer's lock is waited for and then named") {
  Scratch scratch;
  OpenOptions options;
  options.path = scratch.database();
  options.busy_timeout = std::chrono::milliseconds(1);
  auto const store = open_sqlite_store(options).value();
  WaitingChild writer([&] {
    auto* const locked = new SQLite::Database(scratch.database().string(), SQLite::OPEN_READWRITE);
    locked->exec("BEGIN IMMEDIATE");
    return std::string("locked");
  });
  REQUIRE(writer.said() == "locked");
  auto const refused = store->commit(full_change());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == "SQLITE_BUSY");
  writer.kill_now();
  commit_or_fail(*store, full_change());
}

TEST_CASE("a reader in the middle of a query neither blocks commits nor sees them") {
  Scratch scratch;
  OpenOptions options;
  options.path = scratch.database();
  options.busy_timeout = std::chrono::milliseconds(0);
  auto const store = open_sqlite_store(options).value();
  commit_or_fail(*store, full_change());
  SQLite::Database reader(scratch.database().string(), SQLite::OPEN_READONLY);
  reader.exec("BEGIN");
  auto const count = [&] { return reader.execAndGet("SELECT count(*) FROM audit_events").getInt(); };
  CHECK(count() == 4);
  Change many;
  many.events.assign(500, full_event(moment(5)));
  for (int i = 0; i < 10; ++i) commit_or_fail(*store, many);  // enough to want a checkpoint
  CHECK(count() == 4);
  reader.exec("COMMIT");
  CHECK(count() == 5004);
}

TEST_CASE("a read-only opening reads what the store reads and cannot write") {
  Scratch scratch;
  auto const store = open_or_fail(scratch.database());
  commit_or_fail(*store, full_change());
  auto const reader = open_read_only(scratch.database());
  REQUIRE(reader);
  CHECK((*reader)->keys().value() == store->keys().value());
  CHECK((*reader)->history({}).value() == store->history({}).value());
  CHECK((*reader)->history_head().value() == store->history_head().value());
  CHECK((*reader)->rotations(ledger(), 5).value() == store->rotations(ledger(), 5).value());
  Change more;
  more.events = {full_event(moment(1))};
  commit_or_fail(*store, more);
  CHECK((*reader)->history_head().value().sequence == 5);
}

TEST_CASE("reading leaves the side files where they are") {
  Scratch scratch;
  commit_or_fail(*open_or_fail(scratch.database()), full_change());
  {
    CHECK(open_read_only(scratch.database()));
  }
  for (char const* suffix : {"", "-wal", "-shm"}) {
    CHECK(std::filesystem::exists(scratch.database().string() + suffix));
  }
}

TEST_CASE("a stopped daemon's one file holds everything") {
  Scratch scratch;
  Scratch copy;
  commit_or_fail(*open_or_fail(scratch.database()), full_change());
  CHECK(std::filesystem::file_size(scratch.database().string() + "-wal") == 0);
  std::filesystem::copy_file(scratch.database(), copy.database());
  auto const reader = open_read_only(copy.database());
  REQUIRE(reader);
  CHECK((*reader)->history_head().value().sequence == 4);
}

TEST_CASE("reading a missing file is an error that says so") {
  Scratch scratch;
  auto const reader = open_read_only(scratch.database());
  REQUIRE_FALSE(reader);
  CHECK(reader.error().code == "no_such_file");
  CHECK_FALSE(std::filesystem::exists(scratch.database()));
}

}  // namespace rekeyd::storage::test
