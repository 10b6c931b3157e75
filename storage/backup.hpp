#pragma once
#include "policy/error.hpp"
#include "policy/instant.hpp"
#include "storage/store.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>

namespace rekeyd::storage {

/// What a backup holds, told after it has been examined whole (integrity_check, references, hash chain).
struct BackupFacts {
  std::filesystem::path file;
  HistoryHead head;
  std::optional<Instant> newest_event;  ///< How old its knowledge is; nothing: it holds no event.
  std::int64_t schema_version{};
  std::uintmax_t bytes{};
};

/// Copies the database to `file`, beside a running daemon or without one, as it is at one moment; the daemon
/// is not held up. The copy is one file without side files, mode 0600, and is examined before it gets its
/// name: a file of that name is always whole. The folder has to be there, and room for the copy.
///
/// Errors (class storage), beside those of reading: file_exists (unless `replace`), same_file, not_sound (the
/// database itself is damaged or was edited: no backup is made of it).
Result<BackupFacts> back_up(std::filesystem::path const& database, std::filesystem::path const& file,
                            bool replace);

/// Examines a backup. Error not_sound: it is damaged or was edited; newer_version, not_ours, no_such_file: as
/// in reading.
Result<BackupFacts> examine_backup(std::filesystem::path const& file);

/// The youngest file that looks like a backup of a rekeyd database (by its header, by modification time)
/// beside `database` and in the folder "backups" there; nothing if there is none. Reads only headers.
std::optional<std::filesystem::path> newest_backup(std::filesystem::path const& database);

}  // namespace rekeyd::storage
