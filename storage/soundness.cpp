#include "storage/soundness.hpp"

#include "storage/backup.hpp"
#include "storage/restore.hpp"
#include "storage/storage_error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include <sys/stat.h>

namespace rekeyd::storage {

namespace {

namespace fs = std::filesystem;

/// Nothing when there is no such file.
std::optional<std::uint64_t> size_of(fs::path const& path) {
  struct stat found{};
  if (::stat(path.c_str(), &found) != 0) return std::nullopt;
  return static_cast<std::uint64_t>(found.st_size);
}

/// What SQLite keeps beside a database; each shows that there was one.
std::string side_files_of(fs::path const& database) {
  std::string names;
  for (char const* suffix : {"-wal", "-shm", "-journal"}) {
    std::string const side = database.string() + suffix;
    if (size_of(side)) names += (names.empty() ? "" : ", ") + side;
  }
  return names;
}

constexpr std::array<std::string_view, 8> damages{
    "SQLITE_CORRUPT", "SQLITE_NOTADB",  "SQLITE_IOERR_SHORT_READ", "damaged_header",
    "damaged",        "events_missing", "database_missing",        "restore_unfinished"};

}  // namespace

void refuse_torn_apart(fs::path const& database) {
  fs::path const restoring = unfinished_restore(database);
  if (size_of(restoring)) {
    refuse(fmt::format("a restore has not come to its end: {} is still there", restoring.string()),
           "restore_unfinished", "do the restore again; nothing of the old database has been thrown away");
  }
  auto const size = size_of(database);
  if (size && *size > 0) return;
  std::string const side_files = side_files_of(database);
  // A first start that was cut short leaves an empty file and at most a journal, which has its undoing in it.
  bool const first_start =
      size && side_files.find("-wal") == std::string::npos && side_files.find("-shm") == std::string::npos;
  if (side_files.empty() || first_start) return;
  refuse(fmt::format("the database {}, yet {} shows that there was one", size ? "is empty" : "is missing",
                     side_files),
         "database_missing",
         "put the database back where it was; only to begin anew without any history, move these files away "
         "too");
}

void refuse_unsound(Connection& connection) {
  std::string const verdict = connection.text("PRAGMA quick_check(1)");
  if (verdict != "ok") {
    refuse(
        fmt::format("the database is damaged: {}", verdict), "damaged",
        "keep the file with its -wal and -shm for examination, and look for disk errors in the kernel log");
  }
  std::int64_t const events = connection.number("SELECT count(*) FROM history_events");
  std::int64_t const last = connection.number("SELECT coalesce(max(sequence), 0) FROM history_events");
  if (events == last) return;
  refuse(fmt::format("the database has holes: its newest event is number {}, and it holds {}", last, events),
         "events_missing",
         "see rekeyctl verify; a -wal file of another copy of the database does this, or an edit by hand");
}

Error with_way_back(Error error, fs::path const& database) {
  if (std::ranges::find(damages, error.code) == damages.end()) return error;
  auto const backup = newest_backup(database);
  std::string const way =
      backup ? fmt::format("to go back to the newest backup found: rekeyctl restore {} --database {}",
                           backup->string(), database.string())
             : fmt::format("no backup lies beside it; to go back to one: rekeyctl restore FILE --database {}",
                           database.string());
  error.remedy += (error.remedy.empty() ? "" : "; ") + way;
  return error;
}

}  // namespace rekeyd::storage
