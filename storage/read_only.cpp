#include "storage/read_only.hpp"

#include "storage/read_only_connection.hpp"
#include "storage/reading.hpp"
#include "storage/schema.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <unistd.h>

namespace rekeyd::storage {

namespace {

namespace fs = std::filesystem;

// Long enough for a daemon that is just opening or recovering the file.
constexpr std::chrono::milliseconds patience(5000);

bool is_there(fs::path path, char const* suffix) {
  path += suffix;
  return ::access(path.c_str(), F_OK) == 0;
}

std::unique_ptr<Connection> connect(fs::path const& path, Access access, std::string const& vfs) {
  auto connection = std::make_unique<Connection>(path, access, patience, vfs);
  connection->execute("PRAGMA query_only = ON");
  check_schema(*connection);
  return connection;
}

/// SQLite's answer when the side files are not there and may not be made.
bool wants_side_files(SQLite::Exception const& exception) {
  int const code = primary_code(exception);
  return code == SQLITE_CANTOPEN || code == SQLITE_READONLY;
}

class ReadOnlyStore final : public SqliteReading<StoreReader> {
 public:
  using SqliteReading<StoreReader>::SqliteReading;
};

}  // namespace

std::unique_ptr<Connection> connect_read_only(fs::path const& path, std::string const& vfs) {
  if (!is_there(path, "")) {
    refuse("there is no such file", "no_such_file",
           "check the path; rekeyd makes the database when it starts for the first time");
  }
  try {
    return connect(path, Access::read_only, vfs);
  } catch (SQLite::Exception const& exception) {
    // Without a -wal file everything is in the database file itself and nobody writes: a running rekeyd
    // always has one.
    if (!wants_side_files(exception) || is_there(path, "-wal")) throw;
  }
  return connect(path, Access::immutable, vfs);
}

Result<std::unique_ptr<StoreReader>> open_read_only(fs::path const& path, std::string const& vfs) {
  return guarded(path.string(), "read the database", [&]() -> std::unique_ptr<StoreReader> {
    auto connection = connect_read_only(path, vfs);
    std::int64_t const version = check_schema(*connection);
    if (version < schema_version()) {
      refuse(fmt::format("it has schema version {}, and this program reads version {}", version,
                         schema_version()),
             "older_version", "start this version's rekeyd on it once, which brings it up to date");
    }
    return std::make_unique<ReadOnlyStore>(std::move(connection));
  });
}

}  // namespace rekeyd::storage
