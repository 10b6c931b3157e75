#pragma once
#include "policy/error.hpp"
#include "policy/instant.hpp"
#include "storage/backup.hpp"

#include <filesystem>
#include <optional>
#include <string>

#include <sys/types.h>

namespace rekeyd::storage {

struct RestoreOrder {
  std::filesystem::path backup;
  std::filesystem::path database;
  std::optional<gid_t> auditor_group{};
  std::string by;  ///< Who restores, for the history: "uid 0 (root)".
  Instant now{};
};

struct RestoreReport {
  BackupFacts backup;
  std::optional<std::filesystem::path> kept;  ///< Where the replaced database is now.
  std::optional<HistoryHead> replaced_head;   ///< Its newest event, if it could still be read.
  HistoryHead head;                           ///< Of the restored database: the restore is its newest event.
};

/// Puts the backup in the database's place. The daemon must not run: the state lock is held meanwhile.
///
/// The backup is examined whole first, brought to this version's schema in a copy, and the copy gets an event
/// database_restored, which makes the daemon read every key at its provider before it believes what is stored
/// (daemon/restoration.hpp). The replaced database and its log are kept beside it under one dated name.
/// A crash at any point leaves the old database, or the new one, or a file DATABASE.restoring with which the
/// daemon does not start until the restore is done again.
///
/// Errors (class storage), beside those of examine_backup(): already_running, same_file.
Result<RestoreReport> restore(RestoreOrder const& order);

/// The file that says that a restore has not come to its end.
std::filesystem::path unfinished_restore(std::filesystem::path const& database);

}  // namespace rekeyd::storage
