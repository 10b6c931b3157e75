#include "daemon/daemon.hpp"

#include "daemon/ending_services.hpp"
#include "daemon/reports.hpp"
#include "daemon/resource_reports.hpp"
#include "daemon/rotation_request.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace rekeyd::daemon {

namespace asio = boost::asio;

namespace {

constexpr auto control_grace = std::chrono::seconds(2);

/// Is there a warning of the same place already?
bool is_told_by(std::vector<std::string> const& warnings, std::string const& line) {
  std::string const place = line.substr(0, line.find(": warning: ") + 2);
  return std::ranges::any_of(warnings, [&](std::string const& told) { return told.starts_with(place); });
}

}  // namespace

Result<std::unique_ptr<Daemon>> Daemon::make(World& world, config::Settings const& settings) {
  std::unique_ptr<Daemon> daemon(new Daemon(world, settings));
  if (auto loaded = daemon->fleet_.load(); !loaded) return std::unexpected(loaded.error());
  if (auto loaded = daemon->brakes_.load(); !loaded) return std::unexpected(loaded.error());
  return daemon;
}

Daemon::Daemon(World& world, config::Settings const& settings)
    : world_(world),
      settings_(settings),
      started_(world.clock.wall_now()),
      fleet_(world, settings.rotations.overdue_after),
      brakes_(world, fleet_, settings),
      rotator_(world, fleet_, stop_),
      policies_(world, fleet_, brakes_.holds(), settings),
      scheduler_(world, fleet_, rotator_, stop_, brakes_),
      routes_(*this),
      looking_(world.executor),
      rotating_(world.executor) {
  connect();
}

/// Who hears of what.
void Daemon::connect() {
  rotator_.when_step_ended([this](Rotation const& after, StepOutcome const& outcome) {
    brakes_.breakers().note(after, outcome);
    auto const upkeep = upkeep_.find(after.key.provider);
    if (upkeep != upkeep_.end() && after.state != RotationState::open) upkeep->second->look_at(after.key);
  });
  brakes_.holds().when_changed([this] {
    brakes_.clock().wake();
    scheduler_.wake();
  });
}

Result<void> Daemon::listen() {
  if (settings_.control_socket.empty()) return {};
  ControlServerSettings control;
  control.path = settings_.control_socket;
  control.group = settings_.control_group;
  auto listening = ControlServer::listen(world_.executor, control, routes_);
  if (!listening) return std::unexpected(listening.error());
  control_ = *std::move(listening);
  return {};
}

Result<void> Daemon::start() {
  if (auto listening = listen(); !listening) return listening;
  if (auto recorded = record_life(EventKind::daemon_started, "rekeyd " REKEYD_VERSION " started");
      !recorded) {
    return recorded;
  }
  // Files with mistakes do not keep the daemon from running: status says so, and nothing rotates until they
  // are mended and read again.
  if (auto loaded = policies_.load("rekeyd"); !loaded) return std::unexpected(loaded.error());

  if (control_) control_->start();
  rotating_.spawn(scheduler_.run(), "scheduler");
  looking_.spawn(brakes_.clock().notice_settings([this] { clock_was_set(); }), "watch of the clock");
  looking_.spawn(brakes_.clock().ask_the_time(), "questions for the time");
  start_upkeep();
  start_inventories();
  start_resource_watches();
  if (auto const interval = ServiceManager::watchdog_interval()) {
    looking_.spawn(feed_watchdog(*interval), "watchdog");
  }
  service_manager_.ready(one_line());
  return {};
}

/// What rests until a moment that the old setting has named is looked at anew.
void Daemon::clock_was_set() {
  fleet_.look_anew_at_rotations();
  scheduler_.wake();
}

void Daemon::start_inventories() {
  for (auto const& [name, instance] : world_.providers) {
    Inventory::Listeners listeners{.changed = [this] { scheduler_.wake(); },
                                   .looked =
                                       [this, provider = name] {
                                         bool const judged = brakes_.arrivals().looked(provider);
                                         for (auto const& [of, upkeep] : upkeep_) {
                                           if (judged || of == provider) upkeep->look_at_all();
                                         }
                                         tell_status();
                                       }};
    inventories_.push_back(std::make_unique<Inventory>(world_, fleet_, rotator_, stop_, name,
                                                       settings_.inventory_every, std::move(listeners)));
    looking_.spawn(inventories_.back()->run(), "inventory of " + name.str());
  }
}

void Daemon::start_upkeep() {
  for (auto const& [name, instance] : world_.providers) {
    auto& upkeep = upkeep_[name];
    Upkeep::Links links{
        .changed = [this] { scheduler_.wake(); },
        .clock_in_doubt = [this, provider = name] { return brakes_.clock_in_doubt(provider); },
        .held = [this](TrackedKey const& key) { return brakes_.braked(Fleet::lane_of(key)).has_value(); },
        .begins = [this](TrackedKey const& key) { brakes_.began_on_request(Fleet::lane_of(key)); }};
    upkeep = std::make_unique<Upkeep>(world_, fleet_, stop_, name, std::move(links));
    looking_.spawn(upkeep->run(), "upkeep of the keys of " + name.str());
  }
}

void Daemon::start_resource_watches() {
  for (auto const& [name, instance] : world_.providers) {
    if (!instance->resources) continue;
    resource_watches_.push_back(std::make_unique<ResourceWatch>(
        world_, fleet_, rotator_, stop_, name, settings_.inventory_every, [this] { scheduler_.wake(); }));
    looking_.spawn(resource_watches_.back()->run(), "watch of the resources of " + name.str());
  }
}

asio::awaitable<void> Daemon::stop(std::chrono::seconds patience) {
  using namespace asio::experimental::awaitable_operators;  // NOLINT(google-build-using-namespace)
  service_manager_.stopping();
  service_manager_.extend_stop(patience + control_grace);
  stop_.requested = true;
  scheduler_.wake();
  looking_.cancel();
  co_await looking_.joined();
  auto const until = world_.clock.mono_now() + patience;
  // A race that the scheduler loses cancels it, and with it the steps that took too long.
  co_await (rotating_.joined() || world_.clock.sleep_until(until));
  if (control_) co_await control_->stop(control_grace);
  if (auto recorded = record_life(EventKind::daemon_stopped, "rekeyd stopped"); !recorded) {
    spdlog::error("the end could not be recorded: {}", to_text(recorded.error()));
  }
}

Result<void> Daemon::record_life(EventKind kind, std::string const& sentence) {
  HistoryEvent event;
  event.at = world_.clock.wall_now();
  event.kind = kind;
  event.actor = "rekeyd";
  event.sentence = sentence;
  event.details["version"] = REKEYD_VERSION;
  event.details["config"] = settings_.file.string();
  storage::Change change;
  change.events.push_back(std::move(event));
  if (auto recorded = world_.store.commit(change); !recorded) return recorded;
  // The log goes elsewhere than the database: a head in it shows later whether the history's tail was cut
  // off.
  if (auto const head = world_.store.history_head()) {
    spdlog::info("{}; history head {}:{}", sentence, head->sequence, head->hash);
  }
  return {};
}

/// The line looks at every key: telling it at each change of a large fleet would grow with its square. So it
/// is told after an inventory, and when the watchdog is fed.
void Daemon::tell_status() {
  told_changes_ = fleet_.changes();
  service_manager_.status(one_line());
}

asio::awaitable<void> Daemon::feed_watchdog(std::chrono::microseconds interval) {
  for (;;) {
    service_manager_.alive();
    if (told_changes_ != fleet_.changes()) tell_status();
    auto const next = world_.clock.mono_now() + interval / 2;
    co_await world_.clock.sleep_until(next);
  }
}

StatusReport Daemon::status() {
  StatusReport report = report_status(world_, fleet_, brakes_);
  report.daemon_version = REKEYD_VERSION;
  report.started = started_;
  report.config_file = settings_.file.string();
  report.policies_loaded = policies_.loaded_at();
  report.reload_errors = policies_.errors();
  std::vector<std::string> const& of_files = policies_.warnings();
  std::erase_if(report.warnings, [&](std::string const& told) { return is_told_by(of_files, told); });
  report.warnings.insert(report.warnings.begin(), of_files.begin(), of_files.end());
  if (std::size_t const left = fleet_.keys_awaiting_reading(); left > 0) {
    report.warnings.push_back(
        fmt::format("the database was restored from a backup at {}; {} keys have not been read at their "
                    "provider since, and nothing of them is begun or continued before",
                    to_rfc3339(*fleet_.restored_at()), left));
  }
  std::ranges::move(resource_warnings(world_, fleet_), std::back_inserter(report.warnings));
  std::ranges::move(ending_services(settings_, fleet_), std::back_inserter(report.warnings));
  for (auto const& [name, upkeep] : upkeep_) {
    std::ranges::move(upkeep->troubles(), std::back_inserter(report.warnings));
  }
  if (!scheduler_.storage_trouble().empty()) report.warnings.push_back(scheduler_.storage_trouble());
  return report;
}

std::vector<KeyReport> Daemon::keys() { return report_keys(world_, fleet_, brakes_); }

Result<std::vector<ResourceReport>> Daemon::resources() { return report_resources(world_, fleet_); }

PlanReport Daemon::plan(Instant until) { return report_plan(world_, fleet_, until); }

Result<Rotation> Daemon::rotation(RotationId id) {
  auto found = world_.store.rotation(id);
  if (!found) return std::unexpected(found.error());
  if (!*found) return std::unexpected(no_such_rotation(id));
  return **std::move(found);
}

Result<RotateAnswer> Daemon::rotate(RotateRequest request, std::string caller, unsigned) {
  Result<TrackedKey*> const found = find_key_by_words(fleet_, request.key);
  if (!found) return std::unexpected(found.error());
  TrackedKey& key = **found;
  if (auto refusal = why_not_on_request(world_, fleet_, key)) return std::unexpected(*std::move(refusal));
  Result<RotationId> const opened = rotator_.open(key, caller, request.reason);
  if (!opened) return std::unexpected(opened.error());
  scheduler_.began_on_request(key);
  return RotateAnswer{*opened, key.stored.key.ref};
}

Result<RotateAnswer> Daemon::replace(ReplaceRequest request, std::string caller) {
  Result<TrackedKey*> const found = find_key_by_words(fleet_, request.key);
  if (!found) return std::unexpected(found.error());
  TrackedKey& key = **found;
  Result<Successor> const successor = find_successor(world_, fleet_, key, request);
  if (!successor) return std::unexpected(successor.error());
  Result<RotationId> const opened = rotator_.open_replacement(key, *successor, caller, request.reason);
  if (!opened) return std::unexpected(opened.error());
  scheduler_.began_on_request(key);
  return RotateAnswer{*opened, key.stored.key.ref};
}

Result<ReloadAnswer> Daemon::reload(std::string caller) {
  service_manager_.reloading();
  Result<ReloadAnswer> answer = policies_.load(caller);
  if (answer) {
    for (auto const& [name, upkeep] : upkeep_) upkeep->start_anew();
    BrakesOfLanes brakes(brakes_);
    for (auto const& [ref, key] : fleet_.keys()) {
      ++answer->counts[to_text(fleet_.verdict(key, &brakes.of(key)).status)];
    }
  } else {
    spdlog::error("reload failed: {}", to_text(answer.error()));
  }
  scheduler_.wake();
  service_manager_.ready(one_line());
  return answer;
}

Result<TrackedKey*> Daemon::find_rotation(RotationId const& id) {
  auto stored = rotation(id);
  if (!stored) return std::unexpected(stored.error());
  TrackedKey* key = fleet_.find(stored->key);
  if (key == nullptr || !key->rotation || key->rotation->id != id) {
    return std::unexpected(rotation_has_ended(*stored));
  }
  return key;
}

Result<void> Daemon::retry(RotationId id, std::string caller) {
  Result<TrackedKey*> const key = find_rotation(id);
  if (!key) return std::unexpected(key.error());
  Result<void> done = rotator_.retry(**key, caller);
  if (done) scheduler_.wake();
  return done;
}

Result<void> Daemon::abandon(RotationId id, AbandonRequest request, std::string caller) {
  Result<TrackedKey*> const key = find_rotation(id);
  if (!key) return std::unexpected(key.error());
  Result<void> done = rotator_.abandon(**key, caller, request);
  if (done) scheduler_.wake();
  return done;
}

Result<ReleaseAnswer> Daemon::release(ReleaseRequest request, std::string caller) {
  Result<std::vector<Hold>> const released =
      brakes_.release(request.hold.value_or(""), caller, request.reason);
  if (!released) return std::unexpected(released.error());
  for (auto const& [name, upkeep] : upkeep_) upkeep->look_at_all();
  ReleaseAnswer answer;
  for (Hold const& hold : *released) answer.released.push_back(report_hold(world_, fleet_, hold));
  return answer;
}

std::string Daemon::one_line() {
  std::map<std::string, std::size_t> counts;
  std::optional<Instant> next;
  for (auto const& [ref, key] : fleet_.keys()) {
    Verdict const said = fleet_.verdict(key);
    ++counts[to_text(said.status)];
    if (said.status == KeyStatus::ready && said.due && (!next || *said.due < *next)) next = said.due;
  }
  std::string line = fmt::format("{} keys", fleet_.keys().size());
  char const* separator = ": ";
  for (auto const& [word, count] : counts) {
    line += fmt::format("{}{} {}", separator, count, word);
    separator = ", ";
  }
  if (next) line += "; next due " + to_rfc3339(*next);
  if (!brakes_.holds().in_force().empty()) line += "; HELD, see rekeyctl status";
  if (!policies_.errors().empty()) line += "; POLICY FILES HAVE MISTAKES, see rekeyctl status";
  return line;
}

}  // namespace rekeyd::daemon
