#include "storage/json_columns.hpp"
#include "storage/writing.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

namespace rekeyd::storage {

namespace {

std::string describe(StoredKey const& stored) { return "root key " + stored.key.ref.text(); }
std::string describe(Rotation const& rotation) {
  return fmt::format("rotation {} of {}", rotation.id.str(), rotation.key.text());
}
std::string describe(StoredVersion const& stored) {
  return fmt::format("version {} of {}", stored.version.id.str(), stored.key.text());
}
std::string describe(Registration const& registration) {
  return fmt::format("registration of {} at {}", registration.resource.str(), registration.key.text());
}
std::string describe(StepRecord const& record) {
  return fmt::format("try {} of step {} of rotation {}", record.attempt, to_text(record.step),
                     record.rotation.str());
}
std::string describe(ResourceChange const& change) {
  return fmt::format("change {} of {} in rotation {}", change.attempt, change.resource.str(),
                     change.rotation.str());
}
std::string describe(MachineStop const& stop) {
  return fmt::format("stop {} of {} in rotation {}", stop.attempt, stop.machine.str(), stop.rotation.str());
}
std::string describe(PreviousDek const& previous) {
  return fmt::format("previous WDEK {} of store {}", previous.before.id.str(), previous.store.str());
}

std::string describe(Hold const& hold) { return "hold " + hold.name(); }

/// Adds the item's name to what SQLite says of a broken rule ("FOREIGN KEY constraint failed" names nothing).
template <class Items, class Write>
void each(Items const& items, Write&& write) {
  for (auto const& item : items) {
    try {
      write(item);
    } catch (SQLite::Exception const& exception) {
      if (primary_code(exception) != SQLITE_CONSTRAINT) throw;
      refuse(fmt::format("the {} breaks a rule of the database ({})", describe(item), exception.what()),
             "broken_rule", "report this with the log: rekeyd recorded something that cannot be");
    }
  }
}

template <class Id>
std::vector<std::string> texts(std::vector<Id> const& ids) {
  std::vector<std::string> out;
  out.reserve(ids.size());
  for (Id const& id : ids) out.push_back(id.str());
  return out;
}

}  // namespace

void StateWriter::write(Change const& change) {
  last_key_.reset();
  // In the order of the references between the tables.
  each(change.keys, [this](StoredKey const& stored) { put(stored); });
  each(change.rotations, [this](Rotation const& rotation) { put(rotation); });
  each(change.versions, [this](StoredVersion const& stored) { put(stored); });
  each(change.registrations_gone, [this](Registration const& registration) { remove(registration); });
  each(change.registrations, [this](Registration const& registration) { put(registration); });
  each(change.steps, [this](StepRecord const& record) { put(record); });
  each(change.resource_changes, [this](ResourceChange const& asked) { put(asked); });
  each(change.machine_stops, [this](MachineStop const& stop) { put(stop); });
  each(change.previous_deks, [this](PreviousDek const& previous) { put(previous); });
  if (change.admit_keys) connection_.query("UPDATE root_keys SET admitted = 1 WHERE admitted = 0").run();
  each(change.holds, [this](Hold const& hold) { put(hold); });
}

std::int64_t StateWriter::row_of(KeyRef const& key) {
  if (last_key_ == key) return last_row_;
  Query query =
      connection_.query("SELECT id FROM root_keys WHERE provider = ?1 AND vault = ?2 AND key_id = ?3");
  if (!query.with(key).next()) {
    refuse(fmt::format("the root key {} is not stored", key.text()), "unknown_key",
           "report this with the log: rekeyd recorded something of a key before the key itself");
  }
  last_row_ = query.take<std::int64_t>();
  last_key_ = key;
  return last_row_;
}

void StateWriter::put(StoredKey const& stored) {
  RootKey const& key = stored.key;
  std::optional<bool> provider_rotation;
  std::optional<std::string> interval;
  ProviderRotation const rule = key.provider_rotation.value_or(ProviderRotation{});
  if (key.provider_rotation) {
    provider_rotation = rule.enabled;
    interval = rule.interval;
  }
  auto const replaced_by = stored.replaced ? std::optional(stored.replaced->by.text()) : std::nullopt;
  auto const replaced_at = stored.replaced ? std::optional(stored.replaced->at) : std::nullopt;
  connection_
      .query(R"sql(
    INSERT INTO root_keys (provider, vault, key_id, name, state, algorithm, bits, protection, origin, tags,
      operations, current_version, current_created, expires, last_rotated, provider_rotation,
      provider_rotation_interval, exportable, release_policy, managed_elsewhere, key_ring, first_seen,
      last_seen, gone, admitted, provider_rotation_months, provider_rotation_days, provider_rotation_since,
      replaced_by, replaced_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21,
      ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30)
    ON CONFLICT (provider, vault, key_id) DO UPDATE SET name = excluded.name, state = excluded.state,
      algorithm = excluded.algorithm, bits = excluded.bits, protection = excluded.protection,
      origin = excluded.origin, tags = excluded.tags, operations = excluded.operations,
      current_version = excluded.current_version, current_created = excluded.current_created,
      expires = excluded.expires, last_rotated = excluded.last_rotated,
      provider_rotation = excluded.provider_rotation,
      provider_rotation_interval = excluded.provider_rotation_interval, exportable = excluded.exportable,
      release_policy = excluded.release_policy, managed_elsewhere = excluded.managed_elsewhere,
      key_ring = excluded.key_ring, first_seen = excluded.first_seen, last_seen = excluded.last_seen,
      gone = excluded.gone, admitted = excluded.admitted,
      provider_rotation_months = excluded.provider_rotation_months,
      provider_rotation_days = excluded.provider_rotation_days,
      provider_rotation_since = excluded.provider_rotation_since, replaced_by = excluded.replaced_by,
      replaced_at = excluded.replaced_at)sql")
      .run(key.ref, key.name, key.state, key.type.algorithm, key.type.bits, key.type.protection, key.origin,
           to_json(key.tags), to_json(key.operations), key.current, key.current_created, key.expires,
           key.last_rotated, provider_rotation, interval, key.exportable, key.release_policy,
           key.managed_elsewhere, key.key_ring, stored.first_seen, stored.last_seen, stored.gone,
           stored.admitted, rule.months, rule.days, rule.since, replaced_by, replaced_at);
}

void StateWriter::put(Rotation const& rotation) {
  auto const first_sent = rotation.sent ? std::optional(rotation.sent->first) : std::nullopt;
  auto const last_sent = rotation.sent ? std::optional(rotation.sent->last) : std::nullopt;
  auto const wanted = rotation.wanted ? std::optional(rotation.wanted->text()) : std::nullopt;
  auto const successor = rotation.successor ? std::optional(rotation.successor->text()) : std::nullopt;
  PendingEnd const end = rotation.pending_end.value_or(PendingEnd{.state = RotationState::open});
  connection_
      .query(R"sql(
    INSERT INTO rotations (id, root_key, policy, "trigger", requested_by, reason, due, base_version,
      known_versions, new_version, new_version_made_by, step, state, attempts, first_sent, last_sent, next_try,
      blocked_reason, message, remedy, opened, updated, ended, waits_for, at_rest, end_state, end_reason,
      end_message, end_remedy, successor, successor_wanted)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21,
      ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31)
    ON CONFLICT (id) DO UPDATE SET root_key = excluded.root_key, policy = excluded.policy,
      "trigger" = excluded."trigger", requested_by = excluded.requested_by, reason = excluded.reason,
      due = excluded.due, base_version = excluded.base_version, known_versions = excluded.known_versions,
      new_version = excluded.new_version, new_version_made_by = excluded.new_version_made_by,
      step = excluded.step, state = excluded.state, attempts = excluded.attempts,
      first_sent = excluded.first_sent, last_sent = excluded.last_sent, next_try = excluded.next_try, blocked_reason = excluded.blocked_reason,
      message = excluded.message, remedy = excluded.remedy, opened = excluded.opened,
      updated = excluded.updated, ended = excluded.ended, waits_for = excluded.waits_for,
      at_rest = excluded.at_rest, end_state = excluded.end_state, end_reason = excluded.end_reason,
      end_message = excluded.end_message, end_remedy = excluded.end_remedy,
      successor = excluded.successor, successor_wanted = excluded.successor_wanted)sql")
      .run(rotation.id, row_of(rotation.key), rotation.policy, rotation.trigger, rotation.requested_by,
           rotation.reason, rotation.due, rotation.base_version, to_json(texts(rotation.known_versions)),
           rotation.new_version, rotation.new_version_made_by, rotation.step, rotation.state,
           rotation.attempts, first_sent, last_sent, rotation.next_try, rotation.blocked_reason,
           rotation.message, rotation.remedy, rotation.opened, rotation.updated, rotation.ended,
           rotation.waits_for, rotation.at_rest, end.state, end.reason, end.message, end.remedy, successor,
           wanted);
}

void StateWriter::put(StoredVersion const& stored) {
  KeyVersion const& version = stored.version;
  connection_
      .query(R"sql(
    INSERT INTO key_versions (root_key, version, created, enabled, not_before, expires, operation, made_by,
      rotation)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
    ON CONFLICT (root_key, version) DO UPDATE SET created = excluded.created, enabled = excluded.enabled,
      not_before = excluded.not_before, expires = excluded.expires, operation = excluded.operation,
      made_by = iif(excluded.made_by = 'unknown', made_by, excluded.made_by),
      rotation = coalesce(excluded.rotation, rotation))sql")
      .run(row_of(stored.key), version.id, version.created, version.enabled, version.not_before,
           version.expires, version.operation, stored.made_by, stored.rotation);
}

void StateWriter::put(Registration const& registration) {
  std::optional<std::string> condition;
  std::optional<std::string> sentence;
  std::optional<std::string> remedy;
  if (registration.condition) {
    condition = registration.condition->word;
    sentence = registration.condition->sentence;
    remedy = registration.condition->remedy;
  }
  connection_
      .query(R"sql(
    INSERT INTO registrations (root_key, resource, kind, version, prevents_deletion, updated, following,
      condition, condition_sentence, condition_remedy, tied, details)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
    ON CONFLICT (root_key, resource) DO UPDATE SET kind = excluded.kind, version = excluded.version,
      prevents_deletion = excluded.prevents_deletion, updated = excluded.updated,
      following = excluded.following, condition = excluded.condition,
      condition_sentence = excluded.condition_sentence, condition_remedy = excluded.condition_remedy,
      tied = excluded.tied, details = excluded.details)sql")
      .run(row_of(registration.key), registration.resource, registration.kind, registration.version,
           registration.prevents_deletion, registration.updated, registration.following, condition, sentence,
           remedy, to_json(texts(registration.tied)), to_json(registration.details));
}

void StateWriter::remove(Registration const& registration) {
  connection_.query("DELETE FROM registrations WHERE root_key = ?1 AND resource = ?2")
      .run(row_of(registration.key), registration.resource);
}

void StateWriter::put(StepRecord const& record) {
  connection_
      .query(R"sql(
    INSERT INTO steps (rotation, step, attempt, intended_at, ended_at, outcome, message)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
    ON CONFLICT (rotation, step, attempt) DO UPDATE SET intended_at = excluded.intended_at,
      ended_at = excluded.ended_at, outcome = excluded.outcome, message = excluded.message)sql")
      .run(record.rotation, record.step, record.attempt, record.intended_at, record.ended_at, record.outcome,
           record.message);
}

void StateWriter::put(ResourceChange const& change) {
  connection_
      .query(R"sql(
    INSERT INTO resource_changes (rotation, resource, attempt, to_version, asked_at, operation, ended_at,
      outcome, message, request_id, prepares)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
    ON CONFLICT (rotation, resource, attempt) DO UPDATE SET to_version = excluded.to_version,
      asked_at = excluded.asked_at, operation = excluded.operation, ended_at = excluded.ended_at,
      outcome = excluded.outcome, message = excluded.message, request_id = excluded.request_id,
      prepares = excluded.prepares)sql")
      .run(change.rotation, change.resource, change.attempt, change.to, change.asked_at, change.operation,
           change.ended_at, change.outcome, change.message, change.request_id, change.prepares);
}

void StateWriter::put(MachineStop const& stop) {
  connection_
      .query(R"sql(
    INSERT INTO machine_stops (rotation, machine, attempt, resource, ran, asked_at, in_doubt, at_rest,
      start_asked_at, running_at, ended_at, outcome, message, request_id)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
    ON CONFLICT (rotation, machine, attempt) DO UPDATE SET resource = excluded.resource, ran = excluded.ran,
      asked_at = excluded.asked_at, in_doubt = excluded.in_doubt, at_rest = excluded.at_rest,
      start_asked_at = excluded.start_asked_at, running_at = excluded.running_at,
      ended_at = excluded.ended_at, outcome = excluded.outcome, message = excluded.message,
      request_id = excluded.request_id)sql")
      .run(stop.rotation, stop.machine, stop.attempt, stop.resource, stop.ran, stop.asked_at, stop.in_doubt,
           stop.at_rest, stop.start_asked_at, stop.running_at, stop.ended_at, stop.outcome, stop.message,
           stop.request_id);
}

void StateWriter::put(PreviousDek const& previous) {
  WrappedDek const& dek = previous.before;
  // A rewrap that is done again after a crash names the same WDEK again; another WDEK of that name is kept
  // too.
  connection_
      .query(R"sql(
    INSERT INTO previous_wdeks (root_key, store, dek, version, algorithm, ciphertext, aad, after_version,
      rotation, replaced_at)
    SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 WHERE NOT EXISTS (SELECT 1 FROM previous_wdeks p
      WHERE p.rotation = ?9 AND p.store = ?2 AND p.dek = ?3 AND p.version = ?4 AND p.ciphertext = ?6
        AND p.aad = ?7 AND p.root_key = ?1 AND p.algorithm = ?5 AND p.after_version = ?8))sql")
      .run(row_of(dek.key), previous.store, dek.id, dek.version, dek.algorithm, dek.ciphertext,
           to_json(dek.aad), previous.after_version, previous.rotation, previous.replaced_at);
}

void StateWriter::put(Hold const& hold) {
  std::optional<std::int64_t> accepted;
  if (hold.accepted_offset) accepted = hold.accepted_offset->count();
  connection_
      .query(R"sql(
    INSERT INTO holds (kind, scope, scope_name, placed, sentence, next_try, details, released, released_by,
      release_reason, accepted_offset)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
    ON CONFLICT (kind, scope, scope_name, placed) DO UPDATE SET sentence = excluded.sentence,
      next_try = excluded.next_try, details = excluded.details, released = excluded.released,
      released_by = excluded.released_by, release_reason = excluded.release_reason,
      accepted_offset = excluded.accepted_offset)sql")
      .run(hold.kind, hold.scope.kind, hold.scope.name, hold.placed, hold.sentence, hold.next_try,
           to_json(hold.details), hold.released, hold.released_by, hold.release_reason, accepted);
}

}  // namespace rekeyd::storage
