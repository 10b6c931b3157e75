#include "storage/schema.hpp"

namespace rekeyd::storage {

// Whether what was asked of a resource was the change itself or what has to come before it; and what a key's
// release policy says, in the place of whether it has one: of a key that had one it is read again before
// anything is decided by it. The view gets its further column at its end.
char const* const preparation_columns = R"sql(
ALTER TABLE resource_changes ADD COLUMN prepares INTEGER NOT NULL DEFAULT 0 CHECK (prepares IN (0, 1));

ALTER TABLE root_keys DROP COLUMN release_policy;
ALTER TABLE root_keys ADD COLUMN release_policy TEXT NOT NULL DEFAULT '';

DROP VIEW audit_resource_changes;
CREATE VIEW audit_resource_changes AS
SELECT
  c.rotation AS rotation,
  k.provider || '/' || k.vault || '/' || k.key_id AS root_key,
  c.resource AS resource,
  c.attempt AS attempt,
  c.to_version AS to_version,
  strftime('%Y-%m-%dT%H:%M:%SZ', c.asked_at, 'unixepoch') AS asked,
  strftime('%Y-%m-%dT%H:%M:%SZ', c.ended_at, 'unixepoch') AS ended,
  c.ended_at - c.asked_at AS seconds,
  nullif(c.outcome, '') AS outcome,
  nullif(c.message, '') AS message,
  nullif(c.request_id, '') AS request_id,
  CASE c.prepares WHEN 1 THEN 'preparation' ELSE 'change' END AS asked_for
FROM resource_changes c JOIN rotations t ON t.id = c.rotation JOIN root_keys k ON k.id = t.root_key;
)sql";

}  // namespace rekeyd::storage
