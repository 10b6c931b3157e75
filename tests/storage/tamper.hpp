#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace rekeyd::storage::test {

/// What somebody with write access and knowledge does: takes the triggers away and the checks off, runs
/// `sql`, and puts the triggers back as they were.
void tamper(std::filesystem::path const& database, std::string const& sql);

/// Runs `sql` with the triggers in place; returns SQLite's complaint, or "".
std::string complaint(std::filesystem::path const& database, std::string const& sql);

/// Runs any SQL, also outside the rules of the schema (a foreign file, a header).
void run_sql(std::filesystem::path const& database, std::string const& sql);

/// The first column of every row.
std::vector<std::string> column(std::filesystem::path const& database, std::string const& sql);

}  // namespace rekeyd::storage::test
