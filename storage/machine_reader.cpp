#include "storage/reading.hpp"

// The columns of each query stand in the order in which its function takes them.
namespace rekeyd::storage {

std::vector<MachineStop> SqliteReader::machine_stops(RotationId const& id) {
  std::vector<MachineStop> stops;
  Query row = connection_.query(R"sql(
    SELECT machine, attempt, resource, ran, asked_at, in_doubt, at_rest, start_asked_at, running_at, ended_at,
      outcome, message, request_id
    FROM machine_stops WHERE rotation = ?1 ORDER BY machine, attempt)sql");
  row.with(id);
  while (row.next()) {
    MachineStop stop;
    stop.rotation = id;
    stop.machine = row.take<ResourceId>();
    stop.attempt = row.take<int>();
    stop.resource = row.take<ResourceId>();
    stop.ran = row.take<bool>();
    stop.asked_at = row.take<Instant>();
    stop.in_doubt = row.take<std::optional<Instant>>();
    stop.at_rest = row.take<std::optional<Instant>>();
    stop.start_asked_at = row.take<std::optional<Instant>>();
    stop.running_at = row.take<std::optional<Instant>>();
    stop.ended_at = row.take<std::optional<Instant>>();
    stop.outcome = row.take<std::string>();
    stop.message = row.take<std::string>();
    stop.request_id = row.take<std::string>();
    stops.push_back(std::move(stop));
  }
  return stops;
}

std::optional<std::chrono::seconds> SqliteReader::last_downtime(ResourceId const& resource) {
  Query row = connection_.query(R"sql(
    SELECT max(running_at - asked_at) FROM machine_stops
    WHERE resource = ?1 AND ran = 1 AND running_at IS NOT NULL AND rotation = (SELECT rotation
      FROM machine_stops WHERE resource = ?1 AND ran = 1 AND running_at IS NOT NULL
      ORDER BY asked_at DESC LIMIT 1))sql");
  row.with(resource);
  if (!row.next()) return std::nullopt;
  auto const longest = row.take<std::optional<std::int64_t>>();
  if (!longest) return std::nullopt;
  return std::chrono::seconds(*longest);
}

}  // namespace rekeyd::storage
