#include "storage/backup.hpp"

#include "storage/database_copy.hpp"
#include "storage/file_access.hpp"
#include "storage/read_only_connection.hpp"
#include "storage/schema.hpp"
#include "storage/storage_error.hpp"
#include "storage/verify.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

namespace rekeyd::storage {

namespace {

namespace fs = std::filesystem;

bool same_file(fs::path const& a, fs::path const& b) {
  std::error_code error;
  return fs::equivalent(a, b, error);
}

Error refused(std::string what, fs::path const& where, std::string code, std::string remedy) {
  return storage_error(std::move(what), where.string(), std::move(code), std::move(remedy));
}

std::optional<Error> unsuitable(fs::path const& database, fs::path const& file, bool replace) {
  for (char const* suffix : {"", "-wal", "-shm", ".lock"}) {
    if (!same_file(database.string() + suffix, file)) continue;
    return refused("the backup would overwrite the database itself", file, "same_file",
                   "give the backup a path of its own, best on another disk");
  }
  std::error_code error;
  fs::file_status const status = fs::symlink_status(file, error);
  if (!fs::exists(status)) return std::nullopt;
  if (!fs::is_regular_file(status)) {
    return refused("the backup's path names something that is not a file", file, "not_a_file",
                   "give the path of a file");
  }
  if (replace) return std::nullopt;
  return refused("there is a file of that name already", file, "file_exists",
                 "give another name, or say --replace");
}

/// Gives the finished copy its name, in one step; nobody's file is overwritten unless asked.
void put_in_place(FileInTheMaking& made, fs::path const& file, bool replace) {
  int const done = replace
                       ? ::rename(made.path().c_str(), file.c_str())
                       : ::renameat2(AT_FDCWD, made.path().c_str(), AT_FDCWD, file.c_str(), RENAME_NOREPLACE);
  if (done != 0) refuse_file("cannot put the backup in place as", file, errno);
  made.keep();
  sync_folder_of(file);
}

bool is_database_of_ours(fs::path const& file) {
  static constexpr std::string_view magic("SQLite format 3\0", 16);
  static constexpr std::size_t owner_at = 68;
  std::array<char, owner_at + 4> header{};
  std::ifstream in(file, std::ios::binary);
  if (!in.read(header.data(), header.size())) return false;
  return std::string_view(header.data(), header.size()).starts_with(magic) &&
         std::string_view(header.data() + owner_at, 4) == "RKEY";
}

bool may_be_backup(fs::directory_entry const& entry, fs::path const& database) {
  std::error_code error;
  std::string const name = entry.path().filename().string();
  bool const set_aside = name.starts_with(database.filename().string() + ".replaced-") ||
                         name.ends_with(".restoring") || name.ends_with(".partial");
  return entry.is_regular_file(error) && !set_aside && !same_file(entry.path(), database) &&
         is_database_of_ours(entry.path());
}

}  // namespace

Result<BackupFacts> examine_backup(fs::path const& file) {
  auto const report = verify(file);
  if (!report) return std::unexpected(report.error());
  if (!report->sound()) {
    return std::unexpected(
        refused(fmt::format("the database is not sound: {} finding(s), the first: {}", report->findings_total,
                            report->findings.front().what),
                file, "not_sound",
                fmt::format("see rekeyctl verify --database {}, and take another", file.string())));
  }
  return guarded(file.string(), "read the backup", [&] {
    auto const connection = connect_read_only(file);
    BackupFacts facts{.file = file, .head = {report->last_sequence, report->head_hash}};
    facts.schema_version = check_schema(*connection);
    if (report->events > 0) {
      facts.newest_event = Instant(std::chrono::seconds(
          connection->number("SELECT at FROM history_events ORDER BY sequence DESC LIMIT 1")));
    }
    facts.bytes = fs::file_size(file);
    return facts;
  });
}

Result<BackupFacts> back_up(fs::path const& database, fs::path const& file, bool replace) {
  if (auto refusal = unsuitable(database, file, replace)) return std::unexpected(*std::move(refusal));
  return guarded(file.string(), "make the backup", [&] {
    FileInTheMaking made(fmt::format("{}.{}.partial", file.string(), ::getpid()));
    copy_database(database, made.path());
    auto facts = examine_backup(made.path());
    if (!facts) throw Refusal{std::move(facts.error())};
    put_in_place(made, file, replace);
    facts->file = file;
    return *std::move(facts);
  });
}

std::optional<fs::path> newest_backup(fs::path const& database) {
  std::optional<fs::path> newest;
  fs::file_time_type newest_time{};
  fs::path const home = fs::absolute(database).parent_path();
  for (fs::path const& folder : {home, home / "backups"}) {
    std::error_code error;
    for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
      if (!may_be_backup(*at, database)) continue;
      std::error_code unknown;
      auto const time = at->last_write_time(unknown);
      if (unknown || (newest && time <= newest_time)) continue;
      newest = at->path();
      newest_time = time;
    }
  }
  return newest;
}

}  // namespace rekeyd::storage
