#include "tests/simulation/simulated_world.hpp"

#include "config/load.hpp"
#include "tests/simulation/openssl_randomness.hpp"
#include "tests/simulator/world.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <utility>

namespace rekeyd::simulation {

using namespace std::chrono_literals;

namespace {

constexpr auto look_every = std::chrono::hours(6);
constexpr auto peace = std::chrono::hours(24 * 6);
constexpr auto a_month = std::chrono::hours(730);

/// Every seed has its own mixture of troubles: some are left out, some are frequent. What only shows when one
/// kind of trouble is rare, or frequent, shows in some seed.
Scenario drawn(Scenario scenario, std::uint64_t seed) {
  sim::Randomness chance(seed_for(seed, Purpose::scenario));
  auto const scaled = [&chance](double probability) {
    constexpr double factors[]{0, 0.3, 1, 1, 3};
    return std::min(1.0, probability * factors[chance.below(5)]);
  };
  NetworkChances& network = scenario.network;
  network.unreachable = scaled(network.unreachable);
  network.lost = scaled(network.lost);
  network.reply_lost = scaled(network.reply_lost);
  network.late = scaled(network.late);
  scenario.fate.crash_at_work = scaled(scenario.fate.crash_at_work);
  for (sim::FaultRule& rule : scenario.faults) rule.probability = scaled(rule.probability);
  return scenario;
}

std::unique_ptr<sim::Cloud> make_cloud(Scenario const& scenario, RunOptions const& options) {
  seed_openssl(seed_for(options.seed, Purpose::openssl));
  sim::WorldOptions world{scenario.begin, seed_for(options.seed, Purpose::clouds)};
  world.rsa_keys = options.rsa_keys;
  auto made = sim::make_world(scenario.clouds, world);
  if (!made)
    throw std::runtime_error("world " + scenario.name + ": " + sim::to_text("clouds", made.error().front()));
  for (sim::FaultRule const& rule : scenario.faults) {
    if (rule.probability > 0) (*made)->faults().add(rule);
  }
  return *std::move(made);
}

}  // namespace

SimulatedWorld::SimulatedWorld(Scenario const& scenario, RunOptions const& options)
    : scenario_(drawn(scenario, options.seed)),
      options_(options),
      universe_(options.seed, scenario_.begin, options.whole_trace),
      cloud_(make_cloud(scenario_, options)),
      home_(scenario_, seed_for(options.seed, Purpose::disk)),
      network_(universe_, *cloud_),
      truth_(*cloud_),
      addresses_(home_.settings()),
      scene_{universe_, truth_, verdicts_, addresses_, home_.settings(), scenario_.fate.clock_step_max},
      people_(scene_, *cloud_, home_, scenario_),
      fate_(universe_, scenario_.fate,
            {.crash = [this] { crash("in between"); },
             .stop = [this] { stop_daemon(); },
             .freeze =
                 [this](std::chrono::milliseconds span) {
                   universe_.trace.line("the host sleeps");
                   frozen_until_ = universe_.in(span);
                 },
             .fill_disk = [this](std::chrono::milliseconds span) { fill_disk(span); },
             .step_clock =
                 [this](std::chrono::seconds off) {
                   universe_.clock.step_wall(off - universe_.clock.skew());
                   universe_.trace.line(fmt::format("the wall clock is set: {} s off", off.count()));
                   ++universe_.faults;
                 }}),
      log_([this](std::string words, bool critical) {
        if (critical) verdicts_.fail(Invariant::endings, words);
        universe_.trace.line("log: " + std::move(words));
      }),
      random_(seed_for(options.seed, Purpose::daemon)) {
  network_.chances = scenario_.network;
  network_.on_send = [this](Letter& letter) { return sent(letter); };
  network_.on_arrival = [this](Letter const& letter, sim::Delivery const& delivery) {
    arrived(letter, delivery);
  };
  people_.on_new_policies = [this] { put_policies_in_force(); };
  home_.disk().leaves_out_fsync(options_.defect == Defect::rename_without_fsync);
  home_.disk().lies_about_sync(options_.defect == Defect::commit_without_sync);
  truth_.look(scenario_.begin, Maker::beginning);
  make_rules();
}

void SimulatedWorld::make_rules() {
  DekTruth deks{home_.disk(), home_.settings().dek_stores.front().path, home_.write_deks(cloud_->deks()),
                *cloud_};
  rules_.push_back(make_due_dates(scene_));
  rules_.push_back(make_version_history(scene_));
  rules_.push_back(make_wrapped_deks(scene_, std::move(deks)));
  rules_.push_back(make_retirement(scene_));
  rules_.push_back(make_restraint(scene_));
  rules_.push_back(make_sound_storage(scene_));
  rules_.push_back(make_steady_dates(scene_));
  rules_.push_back(make_one_owner(scene_, home_.disk().vfs()));
  rules_.push_back(make_endings(scene_, network_));
}

Outcome SimulatedWorld::live() {
  auto const begin = universe_.clock.mono_now();
  people_.begin();
  fate_.begin();
  begin_outages();
  look_around();
  start_daemon();
  run_until(begin + a_month * options_.months);
  make_peace();
  run_until(universe_.in(peace));
  if (!verdicts_.broken()) tell([](Rule& rule) { rule.at_rest(); });
  if (!verdicts_.broken()) {
    stop_daemon();
    run_until(universe_.in(3min));
  }
  return outcome();
}

void SimulatedWorld::run_until(providers::Clock::Mono end) {
  while (!verdicts_.broken() && universe_.clock.mono_now() < end) step();
}

void SimulatedWorld::step() {
  bool const frozen = universe_.clock.mono_now() < frozen_until_;
  if (!frozen && run_ready_work()) return;
  if (!frozen && life_ && life_->ended()) {
    tell([](Rule& rule) { rule.ended_in_order(); });
    bury();
    start_later(fate_.time_down());
    return;
  }
  let_time_pass();
}

bool SimulatedWorld::run_ready_work() {
  constexpr std::uint64_t looks_at_timers = 8;
  if (!life_) return false;
  bool const look = universe_.ready.empty() || universe_.order.below(looks_at_timers) == 0;
  if (look) life_->poll();
  if (universe_.ready.empty()) return false;
  universe_.ready.run_one();
  universe_.trace.count_handler();
  if (!disk_died() && !scene_.on_record.intended.empty() && fate_.crashes_now()) crash("at work");
  return true;
}

void SimulatedWorld::let_time_pass() {
  auto next = universe_.happenings.next().value_or(providers::Clock::Mono::max());
  bool const frozen = universe_.clock.mono_now() < frozen_until_;
  auto const waking = frozen ? std::optional(frozen_until_) : universe_.clock.next_waking();
  if (waking && *waking < next) {
    universe_.clock.advance_to(*waking);
    return;
  }
  universe_.clock.advance_to(next);
  universe_.happenings.run_next();
  disk_died();
}

bool SimulatedWorld::disk_died() {
  if (!life_ || !home_.disk().dead()) return false;
  crash("inside a write to the disk");
  return true;
}

void SimulatedWorld::start_daemon() {
  if (life_) return;
  ++scene_.life;
  Life::Parts parts{universe_,       network_,    home_.settings(),
                    random_,         scene_.life, home_.disk().vfs(),
                    options_.defect, {},          {}};
  if (auto const death = fate_.disk_death()) home_.disk().die_at(home_.disk().operations() + *death);
  parts.on_commit = [this](storage::Change const& change, Result<void> const& outcome) {
    committed(change, outcome);
  };
  parts.on_deks = [this](std::vector<DekId> const& written) {
    universe_.trace.line(fmt::format("{} envelopes written", written.size()));
    tell([&](Rule& rule) { rule.wrote_deks(written); });
  };
  universe_.trace.line(fmt::format("life {} begins", scene_.life));
  auto begun = Life::begin(std::move(parts));
  if (!begun) {
    not_started(begun.error());
    return;
  }
  life_ = *std::move(begun);
  scene_.reports = [this] { return life_->daemon().keys(); };
  for (Place const& place : addresses_.places()) {
    if (!network_.is_cut_off(place.host) && !disk_is_full_)
      scene_.calm_since[place.provider] = universe_.clock.mono_now();
  }
  policies_read();
  tell([](Rule& rule) { rule.began(); });
}

void SimulatedWorld::not_started(Error const& error) {
  universe_.trace.line("it does not start: " + to_text(error));
  if (home_.disk().dead()) {
    ++universe_.crashes;
    bury();
    start_later(fate_.time_down());
    return;
  }
  verdicts_.require(Invariant::endings, disk_is_full_,
                    [&] { return "the daemon does not start: " + to_text(error); });
  start_later(10min);
}

void SimulatedWorld::fill_disk(std::chrono::milliseconds span) {
  universe_.trace.line("the disk is full");
  ++universe_.faults;
  disk_is_full_ = true;
  scene_.calm_since.clear();
  home_.disk().full(true);
  universe_.happenings.at(universe_.in(span), [this] { free_disk(); });
}

void SimulatedWorld::free_disk() {
  if (!std::exchange(disk_is_full_, false)) return;
  universe_.trace.line("the disk has room again");
  home_.disk().full(false);
  for (std::string const& host : addresses_.hosts()) calm_down(host);
}

void SimulatedWorld::start_later(std::chrono::milliseconds delay) {
  universe_.happenings.at(universe_.in(delay), [this] { start_daemon(); });
}

/// At its start the daemon reads what lies in the folder.
void SimulatedWorld::policies_read() {
  auto loaded = config::load_policies(home_.settings().policies);
  if (!loaded.value)
    throw std::runtime_error("world " + scenario_.name + ": " + config::to_text(loaded.diagnostics.front()));
  if (loaded.value->digest == scene_.policies->digest) return;
  scene_.policies = std::make_shared<PolicySet const>(*std::move(loaded.value));
  scene_.policies_since = universe_.clock.true_now();
}

/// A person has edited the folder and has it read. On a full disk it cannot put
/// that on record and keeps what it had: then the person asks again.
void SimulatedWorld::put_policies_in_force() {
  if (!life_) return;
  auto loaded = config::load_policies(home_.settings().policies);
  if (!loaded.value)
    throw std::runtime_error("world " + scenario_.name + ": " + config::to_text(loaded.diagnostics.front()));
  if (loaded.value->digest == scene_.policies->digest) return;
  auto const answer = life_->daemon().reload("uid 1000 (anna)");
  bool const excused = !answer && (disk_is_full_ || home_.disk().dead());
  verdicts_.require(Invariant::endings, excused || (answer && answer->applied),
                    [] { return std::string("sound policy files were refused"); });
  if (excused) {
    universe_.happenings.at(universe_.in(1h), [this] { put_policies_in_force(); });
    return;
  }
  scene_.policies = std::make_shared<PolicySet const>(*std::move(loaded.value));
  scene_.policies_since = universe_.clock.true_now();
  tell([](Rule& rule) { rule.reloaded(); });
}

void SimulatedWorld::crash(char const* why) {
  if (!life_) return;
  ++universe_.crashes;
  universe_.trace.line(fmt::format("life {} crashes {}", scene_.life, why));
  bury();
  start_later(fate_.time_down());
}

void SimulatedWorld::stop_daemon() {
  if (!life_) return;
  universe_.trace.line(fmt::format("life {} is told to end", scene_.life));
  life_->stop();
}

void SimulatedWorld::bury() {
  bool const in_order = life_ && life_->ended();
  SimulatedDisk& disk = home_.disk();
  // A process that dies closes nothing: what its memory's release would still write does not count.
  if (!in_order) disk.die_at(0);
  scene_.reports = nullptr;
  life_.reset();
  if (!in_order && fate_.takes_power()) {
    disk.power_cut();
  } else {
    disk.kill_process();
  }
  disk.full(disk_is_full_);
  scene_.on_record.intended.clear();
  scene_.calm_since.clear();
  frozen_until_ = {};
  examine_database();
  tell([](Rule& rule) { rule.left_behind(); });
}

void SimulatedWorld::examine_database() {
  scene_.database = storage::verify(home_.settings().database, {.vfs = home_.disk().vfs()});
  auto const uncertain = std::exchange(scene_.uncertain, std::nullopt);
  if (!uncertain || !scene_.database || uncertain->events.empty()) return;
  auto const more = static_cast<std::int64_t>(uncertain->events.size());
  if (scene_.database->events == scene_.events_durable + more) committed(*uncertain, {});
}

void SimulatedWorld::committed(storage::Change const& change, Result<void> const& outcome) {
  universe_.trace.line(fmt::format("commit: {} rows of keys, {} of rotations, {} of steps, {} events{}",
                                   change.keys.size(), change.rotations.size(), change.steps.size(),
                                   change.events.size(), outcome ? "" : " FAILED"));
  for (HistoryEvent const& event : change.events) {
    universe_.trace.line(
        fmt::format("  {} {} {}", to_text(event.kind), event.key ? event.key->text() : "", event.sentence));
  }
  if (!outcome) {
    if (home_.disk().dead() && !scene_.uncertain) scene_.uncertain = change;
    return;
  }
  scene_.events_durable += static_cast<std::int64_t>(change.events.size());
  tell([&](Rule& rule) { rule.committed(change); });
  scene_.note(change);
}

bool SimulatedWorld::sent(Letter& letter) {
  if (!life_ || letter.life != life_->number() || home_.disk().dead()) return false;
  if (AddressBook::makes_version(letter.request)) {
    letter.key = addresses_.key_of(letter.request).value_or("");
    if (Rotation const* open = scene_.open_rotation(letter.key)) letter.rotation = open->id.str();
  }
  tell([&](Rule& rule) { rule.sent(letter); });
  return true;
}

void SimulatedWorld::arrived(Letter const& letter, sim::Delivery const& delivery) {
  std::vector<Truth::NewVersion> made;
  if (AddressBook::may_change(letter.request))
    made = truth_.look(universe_.clock.true_now(), Maker::daemon, letter.rotation);
  for (Truth::NewVersion const& fresh : made)
    universe_.trace.line(
        fmt::format("#{} made version {} of {}", letter.number, fresh.version.id, fresh.key));
  tell([&](Rule& rule) { rule.arrived(letter, delivery, made); });
}

void SimulatedWorld::begin_outages() {
  if (scenario_.network.outages_a_year == 0) return;
  for (std::string const& host : addresses_.hosts()) next_outage(host);
}

void SimulatedWorld::next_outage(std::string const& host) {
  auto const when = universe_.in(until_next(universe_.fate, scenario_.network.outages_a_year));
  universe_.happenings.at(when, [this, host] {
    if (scene_.at_peace) return;
    auto const until = universe_.in(between(universe_.fate, 1min, scenario_.network.outage_max));
    universe_.trace.line(host + " cannot be reached any more");
    ++universe_.faults;
    network_.cut_off(host, until);
    for (Place const& place : addresses_.places())
      if (place.host == host) scene_.calm_since.erase(place.provider);
    universe_.happenings.at(until, [this, host] { calm_down(host); });
    next_outage(host);
  });
}

void SimulatedWorld::calm_down(std::string const& host) {
  if (network_.is_cut_off(host) || !life_ || disk_is_full_) return;
  universe_.trace.line(host + " can be reached again");
  for (Place const& place : addresses_.places())
    if (place.host == host) scene_.calm_since.try_emplace(place.provider, universe_.clock.mono_now());
}

void SimulatedWorld::look_around() {
  truth_.look(universe_.clock.true_now(), Maker::provider);
  tell([](Rule& rule) { rule.looked_around(); });
  if (life_) {
    if (scene_.at_peace) people_.retry_blocked(life_->daemon());
    if (!scene_.at_peace) people_.look_after(life_->daemon());
  }
  universe_.happenings.at(universe_.in(look_every), [this] { look_around(); });
}

void SimulatedWorld::make_peace() {
  if (verdicts_.broken()) return;
  universe_.trace.line("from here on nothing goes wrong");
  cloud_faults_ = count_cloud_faults();
  cloud_->faults().clear();
  scene_.at_peace = true;
  network_.chances = NetworkChances{};
  network_.mend();
  universe_.clock.step_wall(-universe_.clock.skew());
  frozen_until_ = {};
  free_disk();
  home_.disk().die_at(std::numeric_limits<std::uint64_t>::max());
  fate_.rest();
  people_.rest();
}

std::uint64_t SimulatedWorld::count_cloud_faults() const {
  std::uint64_t hits = 0;
  boost::json::value const rules = cloud_->faults().state();
  for (boost::json::value const& rule : rules.as_array())
    hits += rule.as_object().at("hits").to_number<std::uint64_t>();
  return hits;
}

Outcome SimulatedWorld::outcome() const {
  Outcome outcome;
  outcome.seed = options_.seed;
  outcome.broken = verdicts_.broken();
  if (outcome.broken) outcome.last_events = universe_.trace.last(60);
  outcome.trace = universe_.trace.whole();
  outcome.key_years = static_cast<double>(truth_.keys().size()) * options_.months / 12.0;
  outcome.crashes = universe_.crashes;
  outcome.faults = universe_.faults + cloud_faults_;
  outcome.checks = verdicts_.checks();
  outcome.handlers = universe_.trace.handlers();
  return outcome;
}

}  // namespace rekeyd::simulation
