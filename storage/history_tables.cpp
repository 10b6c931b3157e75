#include "storage/schema.hpp"

namespace rekeyd::storage {

// The columns stand in the order in which the chain takes them (history_chain.hpp). The triggers stop
// mistakes; INSERT OR REPLACE would delete without asking them, which is why an event's number is checked on
// its way in. What a person with write access does on purpose is for the chain to show.
char const* const history_tables = R"sql(
CREATE TABLE history_events (
  sequence INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  outcome TEXT NOT NULL,
  provider TEXT,
  vault TEXT,
  key_id TEXT,
  version TEXT,
  policy TEXT NOT NULL,
  rotation TEXT,
  step TEXT NOT NULL,
  actor TEXT NOT NULL,
  sentence TEXT NOT NULL,
  error_code TEXT NOT NULL,
  request_id TEXT NOT NULL,
  details TEXT NOT NULL,
  hash BLOB NOT NULL CHECK (length(hash) = 32),
  CHECK ((provider IS NULL) = (vault IS NULL) AND (vault IS NULL) = (key_id IS NULL))
) STRICT;
CREATE INDEX history_events_of_key ON history_events (provider, vault, key_id) WHERE key_id IS NOT NULL;
CREATE INDEX history_events_of_rotation ON history_events (rotation) WHERE rotation IS NOT NULL;
CREATE INDEX history_events_by_time ON history_events (at);

CREATE TRIGGER history_events_in_order BEFORE INSERT ON history_events
WHEN NEW.sequence IS NOT (SELECT coalesce(max(sequence), 0) + 1 FROM history_events)
BEGIN SELECT RAISE(ABORT, 'history is append-only: an event takes the next number'); END;

CREATE TRIGGER history_events_no_update BEFORE UPDATE ON history_events
BEGIN SELECT RAISE(ABORT, 'history is append-only: events are never changed'); END;

CREATE TRIGGER history_events_no_delete BEFORE DELETE ON history_events
BEGIN SELECT RAISE(ABORT, 'history is append-only: events are never deleted'); END;
)sql";

}  // namespace rekeyd::storage
