#pragma once
#include "policy/error.hpp"
#include "storage/store.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace rekeyd::storage {

enum class FindingKind {
  event_altered,   ///< The row does not hash to what the chain says: a column, its place or its hash changed.
  events_missing,  ///< Numbers are left out: rows were deleted.
  head_missing,    ///< The expected head lies behind the last event: the tail was cut off.
  head_differs,    ///< The event at the expected head's number is another: history was rewritten.
  schema_changed,  ///< A table, trigger, view or index is missing, changed, or not ours.
  file_damaged,    ///< SQLite's own integrity check.
  reference_broken,  ///< A row names another that is not there.
};

/// "event_altered", ... : stable words for JSON.
char const* to_text(FindingKind kind);

struct Finding {
  FindingKind kind{};
  std::int64_t sequence{};  ///< The event it is about; 0 if it is not about one.
  std::string what;         ///< One sentence.
};

struct VerifyOptions {
  /// A head that was noted earlier outside this database; sequence 0: none.
  std::optional<HistoryHead> expected_head{};
  /// Also the whole file (integrity_check, foreign keys), which reads every page.
  bool whole_file{true};
  /// Findings kept as values; further ones are only counted.
  std::size_t findings_max{100};
  /// SQLite's VFS by name; empty: the system's own.
  std::string vfs{};
};

struct VerifyReport {
  std::int64_t events{};  ///< Read and hashed.
  std::int64_t first_sequence{};
  std::int64_t last_sequence{};
  std::string
      head_hash;  ///< Stored hash of the last event: note it somewhere else, as the next expected head.
  std::vector<Finding> findings;
  std::size_t findings_total{};
  bool sound() const { return findings_total == 0; }
};

/// Recomputes the chain from event 1 on, and checks the file, beside a running daemon or without one, in
/// constant memory. A finding is no error: an Error means that the file could not be examined at all (no such
/// file, no permission, not an SQLite database, not ours, newer version), or that `expected_head` is not one.
Result<VerifyReport> verify(std::filesystem::path const& path, VerifyOptions const& options = {});

}  // namespace rekeyd::storage
