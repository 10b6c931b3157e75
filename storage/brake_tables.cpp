#include "storage/schema.hpp"

namespace rekeyd::storage {

// Holds are kept after their release: what a person has accepted of the clock is read back from them. Keys
// that were known before this migration have been acted on already, hence admitted.
char const* const brake_tables = R"sql(
CREATE TABLE holds (
  sequence INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  scope TEXT NOT NULL,
  scope_name TEXT NOT NULL,
  placed INTEGER NOT NULL,
  sentence TEXT NOT NULL,
  next_try INTEGER,
  details TEXT NOT NULL,
  released INTEGER,
  released_by TEXT NOT NULL,
  release_reason TEXT NOT NULL,
  accepted_offset INTEGER,
  UNIQUE (kind, scope, scope_name, placed)
) STRICT;
CREATE UNIQUE INDEX holds_one_in_force ON holds (kind, scope, scope_name) WHERE released IS NULL;

ALTER TABLE root_keys ADD COLUMN admitted INTEGER NOT NULL DEFAULT 1 CHECK (admitted IN (0, 1));
)sql";

}  // namespace rekeyd::storage
