#include "storage/schema.hpp"

namespace rekeyd::storage {

// Machines that stand still for a change of key, and what a rotation remembers while they do: `end_state` is
// how it ends once they run again, 'open' when nothing speaks against its going on.
char const* const machine_tables = R"sql(
ALTER TABLE rotations ADD COLUMN waits_for TEXT NOT NULL DEFAULT 'nothing';
ALTER TABLE rotations ADD COLUMN at_rest TEXT;
ALTER TABLE rotations ADD COLUMN end_state TEXT NOT NULL DEFAULT 'open';
ALTER TABLE rotations ADD COLUMN end_reason TEXT NOT NULL DEFAULT '';
ALTER TABLE rotations ADD COLUMN end_message TEXT NOT NULL DEFAULT '';
ALTER TABLE rotations ADD COLUMN end_remedy TEXT NOT NULL DEFAULT '';

CREATE TABLE machine_stops (
  rotation TEXT NOT NULL REFERENCES rotations (id),
  machine TEXT NOT NULL,
  attempt INTEGER NOT NULL CHECK (attempt >= 1),
  resource TEXT NOT NULL,
  ran INTEGER NOT NULL,
  asked_at INTEGER NOT NULL,
  in_doubt INTEGER,
  at_rest INTEGER,
  start_asked_at INTEGER,
  running_at INTEGER,
  ended_at INTEGER,
  outcome TEXT NOT NULL,
  message TEXT NOT NULL,
  request_id TEXT NOT NULL,
  PRIMARY KEY (rotation, machine, attempt)
) STRICT, WITHOUT ROWID;
CREATE INDEX machine_stops_by_resource ON machine_stops (resource, asked_at);

CREATE VIEW audit_machine_stops AS
SELECT
  s.rotation AS rotation,
  k.provider || '/' || k.vault || '/' || k.key_id AS root_key,
  s.resource AS resource,
  s.machine AS machine,
  s.attempt AS attempt,
  CASE s.ran WHEN 1 THEN 'yes' ELSE 'no' END AS ran_before,
  strftime('%Y-%m-%dT%H:%M:%SZ', s.asked_at, 'unixepoch') AS stop_asked,
  strftime('%Y-%m-%dT%H:%M:%SZ', s.at_rest, 'unixepoch') AS at_rest,
  strftime('%Y-%m-%dT%H:%M:%SZ', s.start_asked_at, 'unixepoch') AS start_asked,
  strftime('%Y-%m-%dT%H:%M:%SZ', s.running_at, 'unixepoch') AS running,
  CASE s.ran WHEN 1 THEN s.running_at - s.asked_at END AS downtime_seconds,
  nullif(s.outcome, '') AS outcome,
  nullif(s.message, '') AS message,
  nullif(s.request_id, '') AS request_id
FROM machine_stops s JOIN rotations t ON t.id = s.rotation JOIN root_keys k ON k.id = t.root_key;
)sql";

}  // namespace rekeyd::storage
