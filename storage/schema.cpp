#include "storage/schema.hpp"

#include <SQLiteCpp/Transaction.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

namespace rekeyd::storage {

namespace {

struct Migration {
  std::vector<char const*> scripts;
};

std::vector<Migration> const& migrations() {
  static std::vector<Migration> const all = {
      {{state_tables, history_tables, audit_views}},
      {{brake_tables}},
      {{rotate_request_columns}},
      {{resource_tables}},
      {{machine_tables}},
      {{provider_rotation_columns}},
      {{replacement_columns}},
      {{preparation_columns}},
  };
  return all;
}

std::int64_t user_version(Connection& connection) { return connection.number("PRAGMA user_version"); }

}  // namespace

std::int64_t schema_version() { return static_cast<std::int64_t>(migrations().size()); }

std::int64_t check_schema(Connection& connection) {
  std::int64_t const objects = connection.number("SELECT count(*) FROM sqlite_schema");
  std::int64_t const owner = connection.number("PRAGMA application_id");
  std::int64_t const version = user_version(connection);
  if (objects == 0 && owner == 0 && version == 0) return 0;
  if (owner != application_id) {
    refuse("it is an SQLite database, but not one of rekeyd's", "not_ours",
           "name rekeyd's own database file, or move this file away and let rekeyd make a new one");
  }
  if (version > schema_version()) {
    refuse(fmt::format("it has schema version {}, and this rekeyd knows versions up to {}", version,
                       schema_version()),
           "newer_version",
           "start the newer rekeyd that wrote it, or restore the backup that was made before the upgrade");
  }
  if (version < 1 || objects == 0) {
    refuse(
        fmt::format("it says that it is rekeyd's, yet has schema version {} and {} tables", version, objects),
        "damaged_header", "the file has been edited or is damaged: keep it for examination");
  }
  return version;
}

void migrate(Connection& connection, std::int64_t version) {
  for (std::int64_t at = user_version(connection); at < version; ++at) {
    SQLite::Transaction transaction(connection.database(), SQLite::TransactionBehavior::IMMEDIATE);
    for (char const* script : migrations()[static_cast<std::size_t>(at)].scripts) connection.execute(script);
    connection.execute(fmt::format("PRAGMA application_id = {}", application_id));
    connection.execute(fmt::format("PRAGMA user_version = {}", at + 1));
    transaction.commit();
  }
}

std::vector<SchemaObject> schema_of(Connection& connection) {
  std::vector<SchemaObject> objects;
  // sqlite_stat1 and its like come from an ANALYZE, sqlite_autoindex_* from our own constraints.
  Query query = connection.query(
      "SELECT type, name, coalesce(sql, '') FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
      "ORDER BY type, name, sql");
  while (query.next()) {
    auto type = query.take<std::string>();
    auto name = query.take<std::string>();
    objects.push_back({std::move(type), std::move(name), query.take<std::string>()});
  }
  std::ranges::sort(objects);
  return objects;
}

std::vector<SchemaObject> const& schema_expected(std::int64_t version) {
  thread_local std::map<std::int64_t, std::vector<SchemaObject>> known;
  auto const found = known.find(version);
  if (found != known.end()) return found->second;
  Connection model(":memory:", Access::read_write, std::chrono::milliseconds(0));
  migrate(model, version);
  return known.emplace(version, schema_of(model)).first->second;
}

}  // namespace rekeyd::storage
