#pragma once
#include "policy/error.hpp"

#include <filesystem>
#include <optional>
#include <string>

#include <sys/types.h>

/// Who may open the database's files. WAL needs two side files (-wal, -shm); a reader who may not make them
/// has to find them there, with the same group and mode as the database.
namespace rekeyd::storage {

/// Makes an empty database file, durably, if there is none; it never had another mode than its last. Refuses
/// what is not a regular file, and a folder that is not there.
Result<void> make_database_file(std::filesystem::path const& database, std::optional<gid_t> readers);

/// Gives the database and its side files to `readers`: mode 0640 and that group, or 0600 without one.
/// Never opens them: closing any descriptor of the database would drop SQLite's own locks on it.
Result<void> grant_reading(std::filesystem::path const& database, std::optional<gid_t> readers);

/// A sentence about the first folder on the way to the database that a member of `readers` (and of nothing
/// else) may not enter, with what to do; nothing when the way is open.
std::optional<std::string> reading_obstacle(std::filesystem::path const& database, gid_t readers);

/// `what` PATH: the system's words for `code`, and a remedy for the usual ones.
Error file_error(std::string const& what, std::filesystem::path const& path, int code);

}  // namespace rekeyd::storage
