#include "storage/json_columns.hpp"
#include "storage/writing.hpp"

namespace rekeyd::storage {

namespace {

template <class Tag>
std::optional<std::string_view> view(std::optional<Name<Tag>> const& name) {
  if (!name) return std::nullopt;
  return std::string_view(name->str());
}

ChainedEvent chained(HistoryEvent const& event, std::int64_t sequence, std::string const& details) {
  ChainedEvent row;
  row.sequence = sequence;
  row.at = event.at.time_since_epoch().count();
  row.kind = to_text(event.kind);
  row.outcome = to_text(event.outcome);
  if (event.key) {
    row.provider = event.key->provider.str();
    row.vault = event.key->vault.str();
    row.key_id = event.key->id.str();
  }
  row.version = view(event.version);
  row.policy = event.policy.str();
  row.rotation = view(event.rotation);
  row.step = event.step;
  row.actor = event.actor;
  row.sentence = event.sentence;
  row.error_code = event.error_code;
  row.request_id = event.request_id;
  row.details = details;
  return row;
}

}  // namespace

ChainHead read_head(Connection& connection) {
  Query query = connection.query("SELECT sequence, hash FROM history_events ORDER BY sequence DESC LIMIT 1");
  ChainHead head;
  if (!query.next()) return head;
  head.sequence = query.take<std::int64_t>();
  std::string_view const hash = query.take_view().value_or("");
  if (hash.size() != head.hash.size()) {
    refuse("the newest event's hash is not one", "damaged_column", "run rekeyctl verify");
  }
  std::copy(hash.begin(), hash.end(), head.hash.begin());
  return head;
}

ChainHead HistoryWriter::append(ChainHead head, std::vector<HistoryEvent> const& events) {
  for (HistoryEvent const& event : events) {
    std::string const details = to_json(event.details);
    ChainedEvent const row = chained(event, head.sequence + 1, details);
    head.hash = hash_(head.hash, row);
    head.sequence = row.sequence;
    connection_
        .query(R"sql(
      INSERT INTO history_events (sequence, at, kind, outcome, provider, vault, key_id, version, policy,
        rotation, step, actor, sentence, error_code, request_id, details, hash)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17))sql")
        .run(row.sequence, row.at, row.kind, row.outcome, row.provider, row.vault, row.key_id, row.version,
             row.policy, row.rotation, row.step, row.actor, row.sentence, row.error_code, row.request_id,
             row.details, head.hash);
  }
  return head;
}

}  // namespace rekeyd::storage
