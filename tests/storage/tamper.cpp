#include "tests/storage/tamper.hpp"

#include <SQLiteCpp/SQLiteCpp.h>

#include <utility>

namespace rekeyd::storage::test {

namespace {

int const read_write = SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE;

std::vector<std::pair<std::string, std::string>> triggers_of(SQLite::Database& database) {
  std::vector<std::pair<std::string, std::string>> triggers;
  SQLite::Statement rows(database, "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'");
  while (rows.executeStep())
    triggers.emplace_back(rows.getColumn(0).getString(), rows.getColumn(1).getString());
  return triggers;
}

}  // namespace

void tamper(std::filesystem::path const& path, std::string const& sql) {
  SQLite::Database database(path.string(), read_write, 1000);
  database.exec("PRAGMA ignore_check_constraints = ON");
  auto const triggers = triggers_of(database);
  for (auto const& [name, text] : triggers) database.exec("DROP TRIGGER " + name);
  database.exec(sql);
  for (auto const& [name, text] : triggers) database.exec(text);
}

std::string complaint(std::filesystem::path const& path, std::string const& sql) {
  SQLite::Database database(path.string(), read_write, 1000);
  try {
    database.exec(sql);
  } catch (SQLite::Exception const& exception) {
    return exception.what();
  }
  return "";
}

void run_sql(std::filesystem::path const& path, std::string const& sql) {
  SQLite::Database database(path.string(), read_write, 1000);
  database.exec(sql);
}

std::vector<std::string> column(std::filesystem::path const& path, std::string const& sql) {
  SQLite::Database database(path.string(), SQLite::OPEN_READONLY, 1000);
  SQLite::Statement rows(database, sql);
  std::vector<std::string> values;
  while (rows.executeStep()) values.push_back(rows.getColumn(0).getString());
  return values;
}

}  // namespace rekeyd::storage::test
