#include "storage/schema.hpp"

namespace rekeyd::storage {

// How a resource follows its key, what is wrong with it and what lives on it; and each change of version that
// was asked of one. The view of registrations gets its further columns at its end.
char const* const resource_tables = R"sql(
ALTER TABLE registrations ADD COLUMN following TEXT NOT NULL DEFAULT 'unknown';
ALTER TABLE registrations ADD COLUMN condition TEXT;
ALTER TABLE registrations ADD COLUMN condition_sentence TEXT;
ALTER TABLE registrations ADD COLUMN condition_remedy TEXT;
ALTER TABLE registrations ADD COLUMN tied TEXT NOT NULL DEFAULT '[]';
ALTER TABLE registrations ADD COLUMN details TEXT NOT NULL DEFAULT '{}';
CREATE INDEX registrations_by_resource ON registrations (resource);

CREATE TABLE resource_changes (
  rotation TEXT NOT NULL REFERENCES rotations (id),
  resource TEXT NOT NULL,
  attempt INTEGER NOT NULL CHECK (attempt >= 1),
  to_version TEXT NOT NULL,
  asked_at INTEGER NOT NULL,
  operation TEXT NOT NULL,
  ended_at INTEGER,
  outcome TEXT NOT NULL,
  message TEXT NOT NULL,
  request_id TEXT NOT NULL,
  PRIMARY KEY (rotation, resource, attempt)
) STRICT, WITHOUT ROWID;

DROP VIEW audit_registrations;
CREATE VIEW audit_registrations AS
SELECT
  k.provider || '/' || k.vault || '/' || k.key_id AS root_key,
  k.name AS key_name,
  k.provider AS provider,
  k.vault AS vault,
  k.key_id AS key_id,
  r.resource AS resource,
  r.kind AS kind,
  r.version AS version,
  CASE WHEN r.version IS NULL OR k.current_version IS NULL THEN 'unknown'
       WHEN r.version = k.current_version THEN 'yes' ELSE 'no' END AS on_current_version,
  CASE r.prevents_deletion WHEN 1 THEN 'yes' ELSE 'no' END AS prevents_deletion,
  strftime('%Y-%m-%dT%H:%M:%SZ', r.updated, 'unixepoch') AS updated,
  r.following AS following,
  r.condition AS condition,
  r.condition_sentence AS condition_sentence,
  json_array_length(r.tied) AS tied_count,
  r.tied AS tied,
  r.details AS details
FROM registrations r JOIN root_keys k ON k.id = r.root_key;

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
  nullif(c.request_id, '') AS request_id
FROM resource_changes c JOIN rotations t ON t.id = c.rotation JOIN root_keys k ON k.id = t.root_key;
)sql";

}  // namespace rekeyd::storage
