#include "storage/history_chain.hpp"
#include "storage/json_columns.hpp"
#include "storage/reading.hpp"
#include "storage/writing.hpp"

#include <algorithm>
#include <limits>

namespace rekeyd::storage {

namespace {

/// The text is made anew for each call and holds only the filters that are there, so that SQLite can choose
/// the index that fits them.
std::string history_text(HistoryQuery const& query) {
  std::string text = R"sql(
    SELECT sequence, at, kind, outcome, provider, vault, key_id, version, policy, rotation, step, actor,
      sentence, error_code, request_id, details, lower(hex(hash))
    FROM history_events WHERE sequence > ?1)sql";
  if (query.key) text += " AND provider = ?3 AND vault = ?4 AND key_id = ?5";
  if (query.key_text) {
    text += R"sql( AND (instr(lower(provider || '/' || vault || '/' || key_id), lower(?6)) > 0
      OR (provider, vault, key_id) IN (SELECT provider, vault, key_id FROM root_keys
        WHERE instr(lower(name), lower(?6)) > 0)))sql";
  }
  if (query.policy) text += " AND policy = ?7";
  if (query.rotation) text += " AND rotation = ?8";
  if (query.since) text += " AND at >= ?9";
  if (query.until) text += " AND at < ?10";
  if (query.outcome) text += " AND outcome = ?11";
  if (query.kind) text += " AND kind = ?12";
  return text + (query.newest_first ? " ORDER BY sequence DESC LIMIT ?2" : " ORDER BY sequence LIMIT ?2");
}

RecordedEvent take_event(Query& row) {
  RecordedEvent recorded;
  HistoryEvent& event = recorded.event;
  recorded.sequence = row.take<std::int64_t>();
  event.at = row.take<Instant>();
  event.kind = row.take_word(parse_event_kind, "history_events.kind");
  event.outcome = row.take_word(parse_event_outcome, "history_events.outcome");
  auto provider = row.take<std::optional<ProviderName>>();
  auto vault = row.take<std::optional<VaultName>>();
  auto key_id = row.take<std::optional<KeyId>>();
  if (provider && vault && key_id) event.key = KeyRef{*provider, *vault, *key_id};
  event.version = row.take<std::optional<VersionId>>();
  event.policy = row.take<PolicyName>();
  event.rotation = row.take<std::optional<RotationId>>();
  event.step = row.take<std::string>();
  event.actor = row.take<std::string>();
  event.sentence = row.take<std::string>();
  event.error_code = row.take<std::string>();
  event.request_id = row.take<std::string>();
  event.details = parse_map(row.take<std::string>(), "history_events.details");
  recorded.hash = row.take<std::string>();
  return recorded;
}

}  // namespace

std::vector<RecordedEvent> SqliteReader::history(HistoryQuery const& query) {
  SQLite::Statement statement = connection_.prepare(history_text(query));
  Query row(statement);
  constexpr auto most = static_cast<std::size_t>(std::numeric_limits<std::int64_t>::max());
  row.at(1, query.after_sequence);
  row.at(2, static_cast<std::int64_t>(std::min(query.limit, most)));
  if (query.key) row.at(3, *query.key);
  if (query.key_text) row.at(6, *query.key_text);
  if (query.policy) row.at(7, *query.policy);
  if (query.rotation) row.at(8, *query.rotation);
  if (query.since) row.at(9, *query.since);
  if (query.until) row.at(10, *query.until);
  if (query.outcome) row.at(11, *query.outcome);
  if (query.kind) row.at(12, *query.kind);
  std::vector<RecordedEvent> events;
  while (row.next()) events.push_back(take_event(row));
  return events;
}

HistoryHead SqliteReader::history_head() {
  ChainHead const head = read_head(connection_);
  return {head.sequence, to_hex(head.hash)};
}

}  // namespace rekeyd::storage
