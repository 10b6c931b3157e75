#pragma once
#include "storage/connection.hpp"

#include <cstdint>
#include <string>
#include <vector>

/// The database's tables, triggers and views, and how an older file becomes a newer one.
///
/// `user_version` counts the migrations that a file has been through; `application_id` says that it is ours.
/// A migration that has been released is never edited: changes come as a further one.
namespace rekeyd::storage {

inline constexpr std::int64_t application_id = 0x524B4559;  ///< "RKEY", at offset 68 of the file.

/// The version that this program writes.
std::int64_t schema_version();

/// Refuses (throws Refusal) a file that is not ours or comes from a newer rekeyd. Returns its version, 0 for
/// an empty file. Touches nothing.
std::int64_t check_schema(Connection& connection);

/// Brings the file to `version`, one transaction a migration; a migration that fails leaves the file as it
/// was.
void migrate(Connection& connection, std::int64_t version = schema_version());

/// One table, index, trigger or view, with the text that made it.
struct SchemaObject {
  std::string type;
  std::string name;
  std::string sql;
  auto operator<=>(SchemaObject const&) const = default;
};

/// What is there, and what a file of `version` should have (worked out once a thread); both sorted.
std::vector<SchemaObject> schema_of(Connection& connection);
std::vector<SchemaObject> const& schema_expected(std::int64_t version);

// The parts of migration 1, each in a file of its own.
extern char const* const state_tables;
extern char const* const history_tables;
extern char const* const audit_views;

// Migration 2.
extern char const* const brake_tables;

// Migration 3.
extern char const* const rotate_request_columns;

// Migration 4.
extern char const* const resource_tables;

// Migration 5.
extern char const* const machine_tables;

// Migration 6.
extern char const* const provider_rotation_columns;

// Migration 7.
extern char const* const replacement_columns;

// Migration 8.
extern char const* const preparation_columns;

}  // namespace rekeyd::storage
