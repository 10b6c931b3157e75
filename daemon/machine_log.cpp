#include "daemon/machine_log.hpp"

#include "daemon/journal.hpp"

#include <algorithm>
#include <utility>

namespace rekeyd::daemon {

namespace asio = boost::asio;
using storage::MachineStop;

MachineLog::MachineLog(World& world, Rotation rotation, std::vector<MachineStop> stops)
    : world_(&world),
      rotation_(std::move(rotation)),
      stops_(std::move(stops)),
      group_(world.executor, world.store, world.committing) {}

Result<MachineLog> MachineLog::read(World& world, Rotation rotation) {
  auto stops = world.store.machine_stops(rotation.id);
  if (!stops) return std::unexpected(stops.error());
  return MachineLog(world, std::move(rotation), *std::move(stops));
}

std::vector<MachineStop> MachineLog::open() const {
  std::vector<MachineStop> open;
  std::ranges::copy_if(stops_, std::back_inserter(open),
                       [](MachineStop const& stop) { return !stop.ended_at; });
  return open;
}

std::optional<MachineStop> MachineLog::last_of(ResourceId const& machine) const {
  std::optional<MachineStop> last;
  for (MachineStop const& stop : stops_) {
    if (stop.machine == machine && (!last || stop.attempt > last->attempt)) last = stop;
  }
  return last;
}

std::optional<Instant> MachineLog::standing_since() const {
  std::optional<Instant> since;
  for (MachineStop const& stop : stops_) {
    bool const stands = stop.ran && !stop.ended_at;
    if (stands && (!since || stop.asked_at < *since)) since = stop.asked_at;
  }
  return since;
}

std::optional<std::chrono::seconds> MachineLog::time_left(QuiesceRules const& rules) const {
  auto const since = standing_since();
  if (!since) return std::nullopt;
  return *since + rules.downtime_max - world_->clock.wall_now();
}

asio::awaitable<Result<void>> MachineLog::tell(HistoryEvent event) {
  storage::Change change;
  change.events.push_back(std::move(event));
  Result<void> written = co_await group_.commit(std::move(change));
  co_return written;
}

asio::awaitable<Result<void>> MachineLog::keep(MachineStop stop) {
  storage::Change change;
  change.machine_stops.push_back(std::move(stop));
  auto written = co_await write(std::move(change));
  co_return written;
}

asio::awaitable<Result<void>> MachineLog::keep(MachineStop stop, HistoryEvent event) {
  storage::Change change;
  change.machine_stops.push_back(std::move(stop));
  change.events.push_back(std::move(event));
  auto written = co_await write(std::move(change));
  co_return written;
}

asio::awaitable<Result<void>> MachineLog::write(storage::Change change) {
  MachineStop const stop = change.machine_stops.front();
  Result<void> const written = co_await group_.commit(std::move(change));
  if (!written) co_return written;
  auto const known = std::ranges::find_if(stops_, [&](MachineStop const& each) {
    return each.machine == stop.machine && each.attempt == stop.attempt;
  });
  if (known == stops_.end()) {
    stops_.push_back(stop);
  } else {
    *known = stop;
  }
  co_return written;
}

HistoryEvent MachineLog::event_of(MachineStop const& stop, EventKind kind, std::string sentence) const {
  HistoryEvent event = daemon::event_of(rotation_, kind, std::move(sentence), world_->clock.wall_now());
  event.step = to_text(rotation_.step);
  event.version = rotation_.new_version;
  event.request_id = stop.request_id;
  event.details["machine"] = stop.machine.str();
  event.details["resource"] = stop.resource.str();
  return event;
}

}  // namespace rekeyd::daemon
