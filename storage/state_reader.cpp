#include "storage/json_columns.hpp"
#include "storage/reading.hpp"

#include <SQLiteCpp/Transaction.h>

#include <unordered_map>

// The columns of each query stand in the order in which its function takes them.
namespace rekeyd::storage {

namespace {

constexpr char select_keys[] = R"sql(
    SELECT id, provider, vault, key_id, name, state, algorithm, bits, protection, origin, tags, operations,
      current_version, current_created, expires, last_rotated, provider_rotation, provider_rotation_interval,
      exportable, release_policy, managed_elsewhere, key_ring, first_seen, last_seen, gone,
      admitted, provider_rotation_months, provider_rotation_days, provider_rotation_since,
      replaced_by, replaced_at
    FROM root_keys)sql";

StoredKey take_key(Query& row) {
  StoredKey stored;
  RootKey& key = stored.key;
  key.ref = row.take<KeyRef>();
  key.name = row.take<std::string>();
  key.state = row.take_word(parse_key_state, "root_keys.state");
  key.type.algorithm = row.take_word(parse_key_algorithm, "root_keys.algorithm");
  key.type.bits = row.take<unsigned>();
  key.type.protection = row.take_word(parse_protection, "root_keys.protection");
  key.origin = row.take_word(parse_origin, "root_keys.origin");
  key.tags = parse_map(row.take<std::string>(), "root_keys.tags");
  for (std::string& operation : parse_list(row.take<std::string>(), "root_keys.operations")) {
    key.operations.insert(std::move(operation));
  }
  key.current = row.take<std::optional<VersionId>>();
  key.current_created = row.take<std::optional<Instant>>();
  key.expires = row.take<std::optional<Instant>>();
  key.last_rotated = row.take<std::optional<Instant>>();
  auto const provider_rotation = row.take<std::optional<bool>>();
  auto interval = row.take<std::optional<std::string>>();
  if (provider_rotation) {
    key.provider_rotation = ProviderRotation{*provider_rotation, std::move(interval).value_or("")};
  }
  key.exportable = row.take<bool>();
  key.release_policy = row.take<std::string>();
  key.managed_elsewhere = row.take<bool>();
  key.key_ring = row.take<std::string>();
  stored.first_seen = row.take<Instant>();
  stored.last_seen = row.take<Instant>();
  stored.gone = row.take<bool>();
  stored.admitted = row.take<bool>();
  auto const months = row.take<std::optional<int>>();
  auto const days = row.take<std::optional<int>>();
  auto const since = row.take<std::optional<Instant>>();
  if (key.provider_rotation) {
    key.provider_rotation->months = months;
    key.provider_rotation->days = days;
    key.provider_rotation->since = since;
  }
  auto by = row.take_reference("root_keys.replaced_by");
  auto const at = row.take<std::optional<Instant>>();
  if (by && at) stored.replaced = Replaced{*std::move(by), *at};
  return stored;
}

KeyVersion take_version(Query& row) {
  KeyVersion version;
  version.id = row.take<VersionId>();
  version.created = row.take<Instant>();
  version.enabled = row.take<bool>();
  version.not_before = row.take<std::optional<Instant>>();
  version.expires = row.take<std::optional<Instant>>();
  version.operation = row.take<std::optional<RotationId>>();
  return version;
}

StoredVersion take_stored_version(Query& row, KeyRef const& key) {
  StoredVersion stored;
  stored.key = key;
  stored.version = take_version(row);
  stored.made_by = row.take_word(parse_made_by, "key_versions.made_by");
  stored.rotation = row.take<std::optional<RotationId>>();
  return stored;
}

}  // namespace

std::vector<StoredKey> SqliteReader::keys() {
  std::vector<StoredKey> keys;
  std::unordered_map<std::int64_t, std::size_t> place_of_row;
  // One transaction, so that keys and versions are of the same moment.
  SQLite::Transaction const together(connection_.database(), SQLite::TransactionBehavior::DEFERRED);
  static constexpr auto sql = joined(select_keys, " ORDER BY provider, vault, key_id");
  Query rows = connection_.query(sql);
  while (rows.next()) {
    place_of_row.emplace(rows.take<std::int64_t>(), keys.size());
    keys.push_back(take_key(rows));
  }
  Query versions = connection_.query(R"sql(
    SELECT root_key, version, created, enabled, not_before, expires, operation
    FROM key_versions ORDER BY root_key, created, version)sql");
  while (versions.next()) {
    auto const place = place_of_row.find(versions.take<std::int64_t>());
    if (place == place_of_row.end()) continue;
    keys[place->second].versions.push_back(take_version(versions));
  }
  return keys;
}

std::optional<StoredKey> SqliteReader::key(KeyRef const& ref) {
  static constexpr auto sql = joined(select_keys, " WHERE provider = ?1 AND vault = ?2 AND key_id = ?3");
  Query row = connection_.query(sql);
  if (!row.with(ref).next()) return std::nullopt;
  (void)row.take<std::int64_t>();
  StoredKey stored = take_key(row);
  for (StoredVersion& version : versions(ref)) stored.versions.push_back(std::move(version.version));
  return stored;
}

std::vector<StoredVersion> SqliteReader::versions(KeyRef const& ref) {
  std::vector<StoredVersion> versions;
  Query row = connection_.query(R"sql(
    SELECT v.version, v.created, v.enabled, v.not_before, v.expires, v.operation, v.made_by, v.rotation
    FROM key_versions v JOIN root_keys k ON k.id = v.root_key
    WHERE k.provider = ?1 AND k.vault = ?2 AND k.key_id = ?3 ORDER BY v.created, v.version)sql");
  row.with(ref);
  while (row.next()) versions.push_back(take_stored_version(row, ref));
  return versions;
}

std::vector<PreviousDek> SqliteReader::previous_deks(KeyRef const& ref) {
  std::vector<PreviousDek> previous;
  Query row = connection_.query(R"sql(
    SELECT d.store, d.dek, d.version, d.algorithm, d.ciphertext, d.aad, d.after_version, d.rotation,
      d.replaced_at
    FROM previous_wdeks d JOIN root_keys k ON k.id = d.root_key
    WHERE k.provider = ?1 AND k.vault = ?2 AND k.key_id = ?3 ORDER BY d.sequence)sql");
  row.with(ref);
  while (row.next()) {
    PreviousDek dek;
    dek.store = row.take<DekStoreName>();
    dek.before.id = row.take<DekId>();
    dek.before.key = ref;
    dek.before.version = row.take<VersionId>();
    dek.before.algorithm = row.take<std::string>();
    dek.before.ciphertext = row.take<std::string>();
    dek.before.aad = parse_list(row.take<std::string>(), "previous_wdeks.aad");
    dek.after_version = row.take<VersionId>();
    dek.rotation = row.take<RotationId>();
    dek.replaced_at = row.take<Instant>();
    previous.push_back(std::move(dek));
  }
  return previous;
}

}  // namespace rekeyd::storage
