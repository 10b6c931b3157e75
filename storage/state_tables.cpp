#include "storage/schema.hpp"

namespace rekeyd::storage {

// Moments are whole seconds since 1970 (UTC); flags are 0 or 1; lists and maps are JSON text. The views turn
// them into what people read. Nothing here is ever deleted except registrations, whose going is an event.
char const* const state_tables = R"sql(
CREATE TABLE root_keys (
  id INTEGER PRIMARY KEY,
  provider TEXT NOT NULL,
  vault TEXT NOT NULL,
  key_id TEXT NOT NULL,
  name TEXT NOT NULL,
  state TEXT NOT NULL,
  algorithm TEXT NOT NULL,
  bits INTEGER NOT NULL,
  protection TEXT NOT NULL,
  origin TEXT NOT NULL,
  tags TEXT NOT NULL,
  operations TEXT NOT NULL,
  current_version TEXT,
  current_created INTEGER,
  expires INTEGER,
  last_rotated INTEGER,
  provider_rotation INTEGER CHECK (provider_rotation IN (0, 1)),
  provider_rotation_interval TEXT,
  exportable INTEGER NOT NULL CHECK (exportable IN (0, 1)),
  release_policy INTEGER NOT NULL CHECK (release_policy IN (0, 1)),
  managed_elsewhere INTEGER NOT NULL CHECK (managed_elsewhere IN (0, 1)),
  key_ring TEXT NOT NULL,
  first_seen INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  gone INTEGER NOT NULL CHECK (gone IN (0, 1)),
  UNIQUE (provider, vault, key_id),
  CHECK ((provider_rotation IS NULL) = (provider_rotation_interval IS NULL))
) STRICT;

CREATE TABLE rotations (
  sequence INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  root_key INTEGER NOT NULL REFERENCES root_keys (id),
  policy TEXT NOT NULL,
  "trigger" TEXT NOT NULL,
  requested_by TEXT NOT NULL,
  reason TEXT NOT NULL,
  due INTEGER,
  base_version TEXT,
  known_versions TEXT NOT NULL,
  new_version TEXT,
  new_version_made_by TEXT NOT NULL,
  step TEXT NOT NULL,
  state TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  last_sent INTEGER,
  next_try INTEGER,
  blocked_reason TEXT NOT NULL,
  message TEXT NOT NULL,
  remedy TEXT NOT NULL,
  opened INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  ended INTEGER
) STRICT;
CREATE INDEX rotations_of_key ON rotations (root_key, opened);
CREATE INDEX rotations_unfinished ON rotations (state) WHERE state IN ('open', 'blocked');
-- No more than one rotation per key at a time, whatever the program above believes.
CREATE UNIQUE INDEX rotations_one_open ON rotations (root_key) WHERE state = 'open';

CREATE TABLE key_versions (
  root_key INTEGER NOT NULL REFERENCES root_keys (id),
  version TEXT NOT NULL,
  created INTEGER NOT NULL,
  enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
  not_before INTEGER,
  expires INTEGER,
  operation TEXT,
  made_by TEXT NOT NULL,
  rotation TEXT REFERENCES rotations (id),
  PRIMARY KEY (root_key, version)
) STRICT, WITHOUT ROWID;
CREATE INDEX key_versions_by_age ON key_versions (root_key, created, version);

CREATE TABLE registrations (
  root_key INTEGER NOT NULL REFERENCES root_keys (id),
  resource TEXT NOT NULL,
  kind TEXT NOT NULL,
  version TEXT,
  prevents_deletion INTEGER NOT NULL CHECK (prevents_deletion IN (0, 1)),
  updated INTEGER,
  PRIMARY KEY (root_key, resource)
) STRICT, WITHOUT ROWID;

CREATE TABLE steps (
  rotation TEXT NOT NULL REFERENCES rotations (id),
  step TEXT NOT NULL,
  attempt INTEGER NOT NULL CHECK (attempt >= 1),
  intended_at INTEGER NOT NULL,
  ended_at INTEGER,
  outcome TEXT NOT NULL,
  message TEXT NOT NULL,
  PRIMARY KEY (rotation, step, attempt)
) STRICT, WITHOUT ROWID;
CREATE INDEX steps_rotate_intents ON steps (intended_at) WHERE step = 'rotate' AND attempt = 1;

CREATE TABLE previous_wdeks (
  sequence INTEGER PRIMARY KEY,
  root_key INTEGER NOT NULL REFERENCES root_keys (id),
  store TEXT NOT NULL,
  dek TEXT NOT NULL,
  version TEXT NOT NULL,
  algorithm TEXT NOT NULL,
  ciphertext TEXT NOT NULL,
  aad TEXT NOT NULL,
  after_version TEXT NOT NULL,
  rotation TEXT NOT NULL REFERENCES rotations (id),
  replaced_at INTEGER NOT NULL
) STRICT;
CREATE INDEX previous_wdeks_of_key ON previous_wdeks (root_key);
CREATE INDEX previous_wdeks_of_rotation ON previous_wdeks (rotation, store, dek);
)sql";

}  // namespace rekeyd::storage
