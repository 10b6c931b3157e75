#include "storage/json_columns.hpp"
#include "storage/reading.hpp"

// The columns of each query stand in the order in which its function takes them.
namespace rekeyd::storage {

namespace {

constexpr char select_registrations[] = R"sql(
    SELECT k.provider, k.vault, k.key_id, r.resource, r.kind, r.version, r.prevents_deletion, r.updated,
      r.following, r.condition, r.condition_sentence, r.condition_remedy, r.tied, r.details
    FROM registrations r JOIN root_keys k ON k.id = r.root_key)sql";

Registration take_registration(Query& row) {
  Registration registration;
  registration.key = row.take<KeyRef>();
  registration.resource = row.take<ResourceId>();
  registration.kind = row.take<std::string>();
  registration.version = row.take<std::optional<VersionId>>();
  registration.prevents_deletion = row.take<bool>();
  registration.updated = row.take<std::optional<Instant>>();
  registration.following = row.take_word(parse_following, "registrations.following");
  auto word = row.take<std::optional<std::string>>();
  auto sentence = row.take<std::optional<std::string>>();
  auto remedy = row.take<std::optional<std::string>>();
  if (word) {
    registration.condition = {*std::move(word), std::move(sentence).value_or(""),
                              std::move(remedy).value_or("")};
  }
  for (std::string& resource : parse_list(row.take<std::string>(), "registrations.tied")) {
    registration.tied.emplace_back(std::move(resource));
  }
  registration.details = parse_map(row.take<std::string>(), "registrations.details");
  return registration;
}

std::vector<Registration> take_all(Query& row) {
  std::vector<Registration> registrations;
  while (row.next()) registrations.push_back(take_registration(row));
  return registrations;
}

}  // namespace

std::vector<Registration> SqliteReader::registrations(KeyRef const& ref) {
  static constexpr auto sql = joined(
      select_registrations, " WHERE k.provider = ?1 AND k.vault = ?2 AND k.key_id = ?3 ORDER BY r.resource");
  Query row = connection_.query(sql);
  row.with(ref);
  return take_all(row);
}

std::vector<Registration> SqliteReader::registrations_under(std::string const& prefix) {
  static constexpr auto sql = joined(select_registrations,
                                     " WHERE r.resource >= ?1 AND substr(r.resource, 1, length(?1)) = ?1 "
                                     "ORDER BY r.resource, k.provider, k.vault, k.key_id");
  Query row = connection_.query(sql);
  row.with(prefix);
  return take_all(row);
}

std::vector<Registration> SqliteReader::registrations_following(Following following) {
  static constexpr auto sql = joined(
      select_registrations, " WHERE r.following = ?1 ORDER BY k.provider, k.vault, k.key_id, r.resource");
  Query row = connection_.query(sql);
  row.with(std::string(to_text(following)));
  return take_all(row);
}

std::vector<ResourceChange> SqliteReader::resource_changes(RotationId const& id) {
  std::vector<ResourceChange> changes;
  Query row = connection_.query(R"sql(
    SELECT resource, attempt, to_version, asked_at, operation, ended_at, outcome, message, request_id,
      prepares
    FROM resource_changes WHERE rotation = ?1 ORDER BY resource, attempt)sql");
  row.with(id);
  while (row.next()) {
    ResourceChange change;
    change.rotation = id;
    change.resource = row.take<ResourceId>();
    change.attempt = row.take<int>();
    change.to = row.take<VersionId>();
    change.asked_at = row.take<Instant>();
    change.operation = row.take<std::string>();
    change.ended_at = row.take<std::optional<Instant>>();
    change.outcome = row.take<std::string>();
    change.message = row.take<std::string>();
    change.request_id = row.take<std::string>();
    change.prepares = row.take<bool>();
    changes.push_back(std::move(change));
  }
  return changes;
}

}  // namespace rekeyd::storage
