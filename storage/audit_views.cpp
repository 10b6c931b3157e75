#include "storage/schema.hpp"

namespace rekeyd::storage {

// The auditors' interface: documented column by column in docs/auditing.md and held by a golden test. A later
// migration may add columns at the end of a view; it renames and removes none.
char const* const audit_views = R"sql(
CREATE VIEW audit_root_keys AS
SELECT
  k.provider || '/' || k.vault || '/' || k.key_id AS root_key,
  k.name AS key_name,
  k.provider AS provider,
  k.vault AS vault,
  k.key_id AS key_id,
  k.state AS state,
  k.algorithm AS algorithm,
  nullif(k.bits, 0) AS bits,
  k.protection AS protection,
  k.origin AS origin,
  k.tags AS tags,
  k.current_version AS current_version,
  strftime('%Y-%m-%dT%H:%M:%SZ', k.current_created, 'unixepoch') AS current_created,
  strftime('%Y-%m-%dT%H:%M:%SZ', k.expires, 'unixepoch') AS expires,
  CASE k.provider_rotation WHEN 1 THEN 'on' WHEN 0 THEN 'off' END AS provider_rotation,
  nullif(k.provider_rotation_interval, '') AS provider_rotation_interval,
  (SELECT count(*) FROM key_versions v WHERE v.root_key = k.id) AS versions,
  (SELECT count(*) FROM registrations r WHERE r.root_key = k.id) AS registrations,
  strftime('%Y-%m-%dT%H:%M:%SZ', k.first_seen, 'unixepoch') AS first_seen,
  strftime('%Y-%m-%dT%H:%M:%SZ', k.last_seen, 'unixepoch') AS last_seen,
  CASE k.gone WHEN 1 THEN 'gone' ELSE 'listed' END AS listing
FROM root_keys k;

CREATE VIEW audit_key_versions AS
SELECT
  k.provider || '/' || k.vault || '/' || k.key_id AS root_key,
  k.name AS key_name,
  k.provider AS provider,
  k.vault AS vault,
  k.key_id AS key_id,
  v.version AS version,
  CASE WHEN k.current_version IS NULL THEN 'unknown'
       WHEN k.current_version = v.version THEN 'yes' ELSE 'no' END AS is_current,
  CASE v.enabled WHEN 1 THEN 'enabled' ELSE 'disabled' END AS status,
  strftime('%Y-%m-%dT%H:%M:%SZ', v.created, 'unixepoch') AS created,
  (SELECT strftime('%Y-%m-%dT%H:%M:%SZ', n.created, 'unixepoch') FROM key_versions n
    WHERE n.root_key = v.root_key AND (n.created, n.version) > (v.created, v.version)
    ORDER BY n.created, n.version LIMIT 1) AS superseded,
  strftime('%Y-%m-%dT%H:%M:%SZ', v.not_before, 'unixepoch') AS not_before,
  strftime('%Y-%m-%dT%H:%M:%SZ', v.expires, 'unixepoch') AS expires,
  v.made_by AS made_by,
  v.rotation AS rotation,
  v.operation AS operation
FROM key_versions v JOIN root_keys k ON k.id = v.root_key;

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
  strftime('%Y-%m-%dT%H:%M:%SZ', r.updated, 'unixepoch') AS updated
FROM registrations r JOIN root_keys k ON k.id = r.root_key;

CREATE VIEW audit_rotations AS
SELECT
  t.id AS rotation,
  k.provider || '/' || k.vault || '/' || k.key_id AS root_key,
  k.name AS key_name,
  k.provider AS provider,
  k.vault AS vault,
  k.key_id AS key_id,
  nullif(t.policy, '') AS policy,
  t."trigger" AS "trigger",
  nullif(t.requested_by, '') AS requested_by,
  nullif(t.reason, '') AS reason,
  strftime('%Y-%m-%dT%H:%M:%SZ', t.due, 'unixepoch') AS due,
  strftime('%Y-%m-%dT%H:%M:%SZ', t.opened, 'unixepoch') AS opened,
  strftime('%Y-%m-%dT%H:%M:%SZ', t.ended, 'unixepoch') AS ended,
  t.ended - t.opened AS seconds,
  t.state AS state,
  t.step AS step,
  t.base_version AS base_version,
  t.new_version AS new_version,
  CASE WHEN t.new_version IS NOT NULL THEN t.new_version_made_by END AS new_version_made_by,
  (SELECT count(*) FROM steps s WHERE s.rotation = t.id) AS tries,
  (SELECT count(*) FROM previous_wdeks d WHERE d.rotation = t.id) AS previous_wdeks,
  strftime('%Y-%m-%dT%H:%M:%SZ', t.next_try, 'unixepoch') AS next_try,
  nullif(t.blocked_reason, '') AS blocked_reason,
  nullif(t.message, '') AS message,
  nullif(t.remedy, '') AS remedy
FROM rotations t JOIN root_keys k ON k.id = t.root_key;

CREATE VIEW audit_events AS
SELECT
  e.sequence AS sequence,
  strftime('%Y-%m-%dT%H:%M:%SZ', e.at, 'unixepoch') AS at,
  e.kind AS kind,
  e.outcome AS outcome,
  e.provider || '/' || e.vault || '/' || e.key_id AS root_key,
  e.provider AS provider,
  e.vault AS vault,
  e.key_id AS key_id,
  e.version AS version,
  nullif(e.policy, '') AS policy,
  e.rotation AS rotation,
  nullif(e.step, '') AS step,
  nullif(e.actor, '') AS actor,
  e.sentence AS sentence,
  nullif(e.error_code, '') AS error_code,
  nullif(e.request_id, '') AS request_id,
  e.details AS details,
  lower(hex(e.hash)) AS hash
FROM history_events e;
)sql";

}  // namespace rekeyd::storage
