#pragma once
#include "policy/error.hpp"
#include "storage/store.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include <sys/types.h>

namespace rekeyd::storage {

struct OpenOptions {
  std::filesystem::path path;
  /// The group whose members may read the database with plain sqlite3; nothing: only the owner may.
  std::optional<gid_t> auditor_group{};
  /// How long a commit waits for a foreign writer's lock. Readers never make it wait.
  std::chrono::milliseconds busy_timeout{5000};
  /// The database's largest size in pages of 4 KiB; nothing: the disk is the limit. A commit beyond it fails
  /// as on a full disk.
  std::optional<std::uint32_t> pages_max{};
  /// The SQLite VFS that the file lies on, by its registered name; empty: the system's own. The lock file and
  /// the modes are the operating system's either way.
  std::string vfs{};
};

/// Opens the daemon's database, makes it if there is none, and brings an older one up to date.
///
/// - One daemon a database: a lock file beside it is held for the store's life (state_lock.hpp).
/// - WAL with synchronous=FULL: a commit that returned is on the disk. If the disk fails in the middle of a
///   commit (SQLITE_IOERR_FSYNC), the commit is reported as failed and nobody sees it, but a power cut at
///   that moment may still bring it back, whole.
/// - Readers: the side files -wal and -shm are made with the database's group and mode, and stay when the
///   store is closed (emptied), because a reader without write permission can open a WAL database only if
///   they are there. After a kill they hold the last commits, and readers see these too.
/// - Tampering while we run: if the newest event is not the one that we wrote last, commits are refused.
/// - The folder must be on a local file system, and exist.
///
/// The store belongs to one thread. Errors are of class storage, each with a remedy; codes beside SQLite's
/// own: already_running, not_ours, newer_version, damaged_header, not_a_file, no_wal, history_changed,
/// unknown_key, broken_rule, and those of soundness.hpp: damaged, events_missing, database_missing,
/// restore_unfinished. An error about a damaged database names the newest backup beside it and the command.
Result<std::unique_ptr<Store>> open_sqlite_store(OpenOptions options);

/// A sentence about what keeps members of `readers` from reaching the database although its own mode lets
/// them (a folder on the way), with what to do about it; nothing when the way is open. For a warning at
/// start.
std::optional<std::string> auditor_obstacle(std::filesystem::path const& database, gid_t readers);

}  // namespace rekeyd::storage
