#include "storage/restore.hpp"

#include "storage/database_copy.hpp"
#include "storage/file_access.hpp"
#include "storage/read_only_connection.hpp"
#include "storage/schema.hpp"
#include "storage/state_lock.hpp"
#include "storage/storage_error.hpp"
#include "storage/writing.hpp"

#include <SQLiteCpp/Transaction.h>
#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include <sys/stat.h>
#include <unistd.h>

namespace rekeyd::storage {

namespace {

namespace fs = std::filesystem;

bool is_there(fs::path const& path) { return ::access(path.c_str(), F_OK) == 0; }

HistoryHead to_head(ChainHead const& head) { return {head.sequence, to_hex(head.hash)}; }

/// The newest event of what is about to be replaced: what the history loses is everything up to it.
std::optional<HistoryHead> head_of(fs::path const& database) {
  if (!is_there(database)) return std::nullopt;
  auto const head = guarded(database.string(), "read the database", [&] {
    auto const connection = connect_read_only(database);
    return to_head(read_head(*connection));
  });
  return head ? std::optional(*head) : std::nullopt;
}

HistoryEvent restored_event(RestoreOrder const& order, RestoreReport const& report) {
  HistoryEvent event;
  event.at = order.now;
  event.kind = EventKind::database_restored;
  event.actor = order.by;
  std::string const age = report.backup.newest_event ? to_rfc3339(*report.backup.newest_event) : "its making";
  event.sentence = fmt::format(
      "the database was restored from a backup that knows the world up to {}; every key is read "
      "at its provider before anything of it is believed",
      age);
  event.details["backup"] = order.backup.string();
  event.details["backup_head"] = fmt::format("{}:{}", report.backup.head.sequence, report.backup.head.hash);
  if (report.backup.newest_event)
    event.details["backup_newest_event"] = to_rfc3339(*report.backup.newest_event);
  if (report.replaced_head) {
    event.details["replaced_head"] =
        fmt::format("{}:{}", report.replaced_head->sequence, report.replaced_head->hash);
  }
  if (report.kept) event.details["replaced_database"] = report.kept->string();
  return event;
}

/// The copy as it is to be found by the daemon: of this version, marked, and chained.
HistoryHead finish_copy(fs::path const& copy, RestoreOrder const& order, RestoreReport const& report) {
  Connection connection(copy, Access::read_write, std::chrono::milliseconds(0));
  connection.execute("PRAGMA synchronous = FULL");
  check_schema(connection);
  migrate(connection);
  SQLite::Transaction transaction(connection.database(), SQLite::TransactionBehavior::IMMEDIATE);
  // No reading of the old life counts as one of the new, whatever clock it was taken by.
  connection.query("UPDATE root_keys SET last_seen = ?1 - 1 WHERE last_seen >= ?1").run(order.now);
  HistoryWriter history(connection);
  ChainHead const head = history.append(read_head(connection), {restored_event(order, report)});
  transaction.commit();
  return to_head(head);
}

/// A name that is free, with the moment in it: rekeyd.db.replaced-20261122T101500Z.
fs::path free_name(fs::path const& database, Instant now) {
  std::string moment;
  for (char const c : to_rfc3339(now)) {
    if (c != '-' && c != ':') moment += c;
  }
  fs::path const name = fmt::format("{}.replaced-{}", database.string(), moment);
  fs::path free = name;
  for (int i = 2; is_there(free); ++i) free = fmt::format("{}-{}", name.string(), i);
  return free;
}

/// The old file under a second name first, then its log beside that, then the new file in its place: the
/// database's own name is never without a file, and no log meets a file that is not its own while the
/// unfinished restore is gone.
void change_places(fs::path const& restoring, fs::path const& database, std::optional<fs::path> const& kept) {
  if (kept && ::link(database.c_str(), kept->c_str()) != 0) {
    refuse_file("cannot keep the old database as", *kept, errno);
  }
  for (char const* suffix : {"-wal", "-journal"}) {
    std::string const side = database.string() + suffix;
    if (!is_there(side)) continue;
    std::string const aside = (kept ? kept->string() : free_name(database, Instant()).string()) + suffix;
    if (::rename(side.c_str(), aside.c_str()) != 0) refuse_file("cannot put aside", side, errno);
  }
  std::string const index = database.string() + "-shm";
  if (::unlink(index.c_str()) != 0 && errno != ENOENT) refuse_file("cannot remove", index, errno);
  sync_folder_of(database);
  if (::rename(restoring.c_str(), database.c_str()) != 0) {
    refuse_file("cannot put the backup in place as", database, errno);
  }
  sync_folder_of(database);
}

/// Restoring as root must not lock the daemon out: files belong to whom the old database or the folder
/// belongs.
void give_to_owner(fs::path const& file, fs::path const& database) {
  struct stat owner{};
  bool const known = ::stat(database.c_str(), &owner) == 0 ||
                     ::stat(fs::absolute(database).parent_path().c_str(), &owner) == 0;
  if (!known || owner.st_uid == ::geteuid()) return;
  if (::chown(file.c_str(), owner.st_uid, owner.st_gid) != 0)
    refuse_file("cannot give to its owner", file, errno);
}

RestoreReport carry_out(RestoreOrder const& order, BackupFacts backup) {
  RestoreReport report{.backup = std::move(backup)};
  report.replaced_head = head_of(order.database);
  if (is_there(order.database)) report.kept = free_name(order.database, order.now);

  fs::path const restoring = unfinished_restore(order.database);
  std::string const partial = restoring.string() + ".partial";
  // What a crash left of an earlier try; nobody else is here, the lock is ours.
  for (char const* suffix : {"", "-journal", "-wal", "-shm"}) ::unlink((partial + suffix).c_str());
  FileInTheMaking made(partial);
  copy_database(order.backup, partial);
  report.head = finish_copy(partial, order, report);
  if (auto const sound = examine_backup(partial); !sound) throw Refusal{sound.error()};
  give_to_owner(partial, order.database);
  give_to_owner(order.database.string() + ".lock", order.database);
  sync_file(partial);
  if (::rename(partial.c_str(), restoring.c_str()) != 0) refuse_file("cannot name", restoring, errno);
  made.keep();
  sync_folder_of(restoring);
  change_places(restoring, order.database, report.kept);
  return report;
}

}  // namespace

fs::path unfinished_restore(fs::path const& database) { return database.string() + ".restoring"; }

Result<RestoreReport> restore(RestoreOrder const& order) {
  std::error_code unknown;
  if (fs::equivalent(order.backup, order.database, unknown)) {
    return std::unexpected(storage_error("the backup is the database itself", order.backup.string(),
                                         "same_file", "name the file that rekeyctl backup wrote"));
  }
  auto backup = examine_backup(order.backup);
  if (!backup) return std::unexpected(std::move(backup.error()));
  auto const lock = StateLock::acquire(order.database);
  if (!lock) return std::unexpected(lock.error());
  auto report = guarded(order.database.string(), "restore the database",
                        [&] { return carry_out(order, *std::move(backup)); });
  if (!report) return report;
  if (auto granted = grant_reading(order.database, order.auditor_group); !granted) {
    return std::unexpected(std::move(granted.error()));
  }
  return report;
}

}  // namespace rekeyd::storage
