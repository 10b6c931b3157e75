#include "storage/connection.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

namespace rekeyd::storage {

namespace {

/// A file: URI for `path`; every byte that could mean something in a URI is escaped.
std::string uri(std::filesystem::path const& path, char const* parameters) {
  std::string out = "file:";
  for (char const c : std::filesystem::absolute(path).string()) {
    bool const plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' || c == '-';
    if (plain) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out + parameters;
}

std::string name_for(std::filesystem::path const& path, Access access) {
  if (path == ":memory:") return path.string();
  return uri(path, access == Access::immutable ? "?immutable=1" : "");
}

int flags_for(Access access) {
  // A connection belongs to one thread: SQLite need not take its mutex for each column of a million rows.
  int const common = SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX;
  return common | (access == Access::read_write ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY);
}

}  // namespace

Connection::Connection(std::filesystem::path const& path, Access access,
                       std::chrono::milliseconds busy_timeout, std::string const& vfs)
    : where_(path.string()),
      database_(name_for(path, access), flags_for(access), static_cast<int>(busy_timeout.count()), vfs) {
  sqlite3* const handle = database_.getHandle();
  sqlite3_extended_result_codes(handle, 1);
  // A schema that somebody else has edited must not make us run functions or write to the schema itself.
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_FKEY, 1, nullptr);
  // Closing must not take the side files away: auditors need them (sqlite_store.hpp).
  sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  execute("PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY;");
}

Query Connection::query(Sql sql) {
  auto found = statements_.find(sql.text);
  if (found == statements_.end()) {
    found = statements_.emplace(sql.text, SQLite::Statement(database_, sql.text)).first;
  }
  return Query(found->second);
}

std::int64_t Connection::number(std::string const& sql) {
  SQLite::Statement statement(database_, sql);
  return statement.executeStep() ? statement.getColumn(0).getInt64() : 0;
}

std::string Connection::text(std::string const& sql) {
  SQLite::Statement statement(database_, sql);
  return statement.executeStep() ? statement.getColumn(0).getString() : std::string();
}

void Query::put(std::string const& text) {
  if (copy_) {
    statement_.bind(++index_, text);
  } else {
    statement_.bindNoCopy(++index_, text);
  }
}

void Query::put(std::string_view text) { statement_.bind(++index_, std::string(text)); }

void Query::put(std::array<std::uint8_t, 32> const& blob) {
  statement_.bind(++index_, blob.data(), static_cast<int>(blob.size()));
}

std::optional<std::string_view> Query::take_view() {
  SQLite::Column const column = statement_.getColumn(column_++);
  if (column.isNull()) return std::nullopt;
  // Blob, not text: the length is the stored one, whatever bytes are in it.
  auto const* const data = static_cast<char const*>(column.getBlob());
  return std::string_view(data, static_cast<std::size_t>(column.getBytes()));
}

void Query::refuse_word(std::string const& word, char const* column) {
  refuse(fmt::format("column {} holds '{}', a word that this rekeyd does not know", column, word),
         "unknown_word",
         "nothing is guessed from it: start the version of rekeyd that wrote it, or restore a backup; if no "
         "other version ever ran here, the database was edited (rekeyctl verify)");
}

}  // namespace rekeyd::storage
