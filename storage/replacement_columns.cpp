#include "storage/schema.hpp"

namespace rekeyd::storage {

// Which key takes, or has taken, a key's place: as its full reference. The two views get their further
// columns at their ends.
char const* const replacement_columns = R"sql(
ALTER TABLE rotations ADD COLUMN successor TEXT;
ALTER TABLE rotations ADD COLUMN successor_wanted TEXT;
ALTER TABLE root_keys ADD COLUMN replaced_by TEXT;
ALTER TABLE root_keys ADD COLUMN replaced_at INTEGER;

DROP VIEW audit_root_keys;
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
  CASE k.gone WHEN 1 THEN 'gone' ELSE 'listed' END AS listing,
  k.replaced_by AS replaced_by,
  strftime('%Y-%m-%dT%H:%M:%SZ', k.replaced_at, 'unixepoch') AS replaced
FROM root_keys k;

DROP VIEW audit_rotations;
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
  nullif(t.remedy, '') AS remedy,
  t.successor AS successor,
  t.successor_wanted AS successor_wanted
FROM rotations t JOIN root_keys k ON k.id = t.root_key;
)sql";

}  // namespace rekeyd::storage
