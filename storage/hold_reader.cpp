#include "storage/json_columns.hpp"
#include "storage/reading.hpp"

namespace rekeyd::storage {

std::vector<Hold> SqliteReader::holds() {
  std::vector<Hold> holds;
  Query row = connection_.query(R"sql(
    SELECT kind, scope, scope_name, placed, sentence, next_try, details, released, released_by,
      release_reason, accepted_offset
    FROM holds WHERE released IS NULL OR accepted_offset IS NOT NULL ORDER BY placed, sequence)sql");
  while (row.next()) {
    Hold hold;
    hold.kind = row.take_word(parse_hold_kind, "holds.kind");
    hold.scope.kind = row.take_word(parse_brake_scope, "holds.scope");
    hold.scope.name = row.take<std::string>();
    hold.placed = row.take<Instant>();
    hold.sentence = row.take<std::string>();
    hold.next_try = row.take<std::optional<Instant>>();
    hold.details = parse_map(row.take<std::string>(), "holds.details");
    hold.released = row.take<std::optional<Instant>>();
    hold.released_by = row.take<std::string>();
    hold.release_reason = row.take<std::string>();
    auto const accepted = row.take<std::optional<std::int64_t>>();
    if (accepted) hold.accepted_offset = std::chrono::seconds(*accepted);
    holds.push_back(std::move(hold));
  }
  return holds;
}

}  // namespace rekeyd::storage
