#include "storage/json_columns.hpp"
#include "storage/reading.hpp"

#include <algorithm>
#include <limits>

// The columns of each query stand in the order in which its function takes them.
namespace rekeyd::storage {

namespace {

constexpr char select_rotations[] = R"sql(
    SELECT k.provider, k.vault, k.key_id, t.id, t.policy, t."trigger", t.requested_by, t.reason, t.due,
      t.base_version, t.known_versions, t.new_version, t.new_version_made_by, t.step, t.state, t.attempts,
      t.first_sent, t.last_sent, t.next_try, t.blocked_reason, t.message, t.remedy, t.opened, t.updated, t.ended,
      t.waits_for, t.at_rest, t.end_state, t.end_reason, t.end_message, t.end_remedy,
      t.successor, t.successor_wanted
    FROM rotations t JOIN root_keys k ON k.id = t.root_key)sql";

std::optional<PendingEnd> take_pending_end(Query& row) {
  PendingEnd end;
  end.state = row.take_word(parse_rotation_state, "rotations.end_state");
  end.reason = row.take<std::string>();
  end.message = row.take<std::string>();
  end.remedy = row.take<std::string>();
  if (end.state == RotationState::open) return std::nullopt;
  return end;
}

Rotation take_rotation(Query& row) {
  Rotation rotation;
  rotation.key = row.take<KeyRef>();
  rotation.id = row.take<RotationId>();
  rotation.policy = row.take<PolicyName>();
  rotation.trigger = row.take_word(parse_trigger, "rotations.trigger");
  rotation.requested_by = row.take<std::string>();
  rotation.reason = row.take<std::string>();
  rotation.due = row.take<std::optional<Instant>>();
  rotation.base_version = row.take<std::optional<VersionId>>();
  for (std::string& id : parse_list(row.take<std::string>(), "rotations.known_versions")) {
    rotation.known_versions.emplace_back(std::move(id));
  }
  rotation.new_version = row.take<std::optional<VersionId>>();
  rotation.new_version_made_by = row.take_word(parse_made_by, "rotations.new_version_made_by");
  rotation.step = row.take_word(parse_step, "rotations.step");
  rotation.state = row.take_word(parse_rotation_state, "rotations.state");
  rotation.attempts = row.take<int>();
  auto const first_sent = row.take<std::optional<Instant>>();
  auto const last_sent = row.take<std::optional<Instant>>();
  if (first_sent && last_sent) rotation.sent = RequestsSent{*first_sent, *last_sent};
  rotation.next_try = row.take<std::optional<Instant>>();
  rotation.blocked_reason = row.take<std::string>();
  rotation.message = row.take<std::string>();
  rotation.remedy = row.take<std::string>();
  rotation.opened = row.take<Instant>();
  rotation.updated = row.take<Instant>();
  rotation.ended = row.take<std::optional<Instant>>();
  rotation.waits_for = row.take_word(parse_waits_for, "rotations.waits_for");
  rotation.at_rest = row.take<std::optional<ResourceId>>();
  rotation.pending_end = take_pending_end(row);
  rotation.successor = row.take_reference("rotations.successor");
  if (auto const wanted = row.take_reference("rotations.successor_wanted")) {
    rotation.wanted = WantedKey{wanted->provider, wanted->vault, wanted->id.str()};
  }
  return rotation;
}

std::vector<Rotation> take_rotations(Query& row) {
  std::vector<Rotation> rotations;
  while (row.next()) rotations.push_back(take_rotation(row));
  return rotations;
}

}  // namespace

std::vector<Rotation> SqliteReader::unfinished_rotations() {
  static constexpr auto sql = joined(
      select_rotations, R"sql( WHERE t.state IN ('open', 'blocked') ORDER BY t.opened, t.sequence)sql");
  Query row = connection_.query(sql);
  return take_rotations(row);
}

std::optional<Rotation> SqliteReader::rotation(RotationId const& id) {
  static constexpr auto sql = joined(select_rotations, R"sql( WHERE t.id = ?1)sql");
  Query row = connection_.query(sql);
  if (!row.with(id).next()) return std::nullopt;
  return take_rotation(row);
}

std::vector<Rotation> SqliteReader::rotations(KeyRef const& ref, std::size_t limit) {
  static constexpr auto sql =
      joined(select_rotations, R"sql( WHERE k.provider = ?1 AND k.vault = ?2 AND k.key_id = ?3
    ORDER BY t.opened DESC, t.sequence DESC LIMIT ?4)sql");
  Query row = connection_.query(sql);
  constexpr auto most = static_cast<std::size_t>(std::numeric_limits<std::int64_t>::max());
  row.with(ref, static_cast<std::int64_t>(std::min(limit, most)));
  return take_rotations(row);
}

std::vector<StepRecord> SqliteReader::steps(RotationId const& id) {
  std::vector<StepRecord> steps;
  Query row = connection_.query(
      "SELECT step, attempt, intended_at, ended_at, outcome, message FROM steps WHERE rotation = ?1");
  row.with(id);
  while (row.next()) {
    StepRecord record;
    record.rotation = id;
    record.step = row.take_word(parse_step, "steps.step");
    record.attempt = row.take<int>();
    record.intended_at = row.take<Instant>();
    record.ended_at = row.take<std::optional<Instant>>();
    record.outcome = row.take<std::string>();
    record.message = row.take<std::string>();
    steps.push_back(std::move(record));
  }
  // The order of the steps is the workflow's, which SQL does not know.
  std::ranges::sort(steps, {},
                    [](StepRecord const& s) { return std::tuple(s.intended_at, s.step, s.attempt); });
  return steps;
}

}  // namespace rekeyd::storage
