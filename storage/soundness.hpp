#pragma once
#include "storage/connection.hpp"

#include <filesystem>

/// What has to hold of a database before the daemon works on it: nothing is rotated on a guess. Throws
/// Refusal.
namespace rekeyd::storage {

/// Before the file is touched. Refuses a restore that has not come to its end, a log or journal whose
/// database is not there, and a database that has become empty although its side files show that it was not.
void refuse_torn_apart(std::filesystem::path const& database);

/// After the schema has been found ours, before anything is written: every page in its place (SQLite's
/// quick_check), and no event left out. A log that belongs to another database shows here, and is still as it
/// was. Costs a reading of the file: about 1 s for 2 million events.
void refuse_unsound(Connection& connection);

/// `error` with the way back to a sound database, if it is about a damaged one: the newest backup that lies
/// beside it, and the command.
Error with_way_back(Error error, std::filesystem::path const& database);

}  // namespace rekeyd::storage
