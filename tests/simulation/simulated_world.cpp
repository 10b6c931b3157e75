#include "tests/simulation/simulated_world.hpp"

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

constexpr auto look_every = std::chrono::hours(24);
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
                   ++universe_.faults;
                   set_clock(off);
                   if (clock_is_wrong()) people_.hear_of_wrong_clock();
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
  people_.on_clock_set_right = [this] { set_clock({}); };
  people_.find_daemon = [this] { return life_ ? &life_->daemon() : nullptr; };
  people_.on_new_policies = [this] { put_policies_in_force(); };
  truth_.look(scenario_.begin, Maker::beginning);
  make_rules();
}

void SimulatedWorld::make_rules() {
  DekTruth deks{home_.disk(), home_.settings().dek_stores.front().path, home_.write_deks(cloud_->deks()),
                *cloud_};
  rules_.push_back(make_due_dates(scene_));
  rules_.push_back(make_version_history(scene_));
  rules_.push_back(make_registrations(scene_));
  rules_.push_back(make_wrapped_deks(scene_, std::move(deks)));
  rules_.push_back(make_stopped_vms(scene_));
  rules_.push_back(make_retirement(scene_));
  rules_.push_back(make_restraint(scene_, scenario_.closed));
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
  let_providers_be_heard();
  let_what_has_just_begun_end();
  if (!verdicts_.broken()) tell([](Rule& rule) { rule.at_rest(); });
  if (!verdicts_.broken()) {
    stop_daemon();
    run_until(universe_.in(3min));
  }
  return outcome();
}

/// A key may be due in the last second of all, and what follows a new version by itself takes a day.
void SimulatedWorld::let_what_has_just_begun_end() {
  auto const latest = universe_.in(27h);
  Instant const recently = universe_.clock.true_now() - 27h;
  auto const just_begun = [&](auto const& each) {
    return each.second.state == RotationState::open && each.second.opened > recently;
  };
  while (!verdicts_.broken() && universe_.clock.mono_now() < latest &&
         std::ranges::any_of(scene_.on_record.rotations, just_begun)) {
    step();
  }
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
  universe_.let_time_pass(frozen_until_);
  disk_died();
}

bool SimulatedWorld::run_ready_work() {
  if (!life_ || !universe_.run_ready_work([this] { life_->poll(); })) return false;
  if (disk_died() || scene_.on_record.intended.empty()) return true;
  fate_.at_work();
  if (fate_.crashes_now()) crash("at work");
  return true;
}

bool SimulatedWorld::disk_died() {
  if (!life_ || !home_.disk().dead()) return false;
  crash("inside a write to the disk");
  return true;
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
    bool const disk_is_sound = !home_.disk().dead() && !disk_is_full_;
    tell([&](Rule& rule) { rule.refused(outcome.error(), disk_is_sound); });
    return;
  }
  scene_.events_durable += static_cast<std::int64_t>(change.events.size());
  tell([&](Rule& rule) { rule.committed(change); });
  scene_.note(change);
}

bool SimulatedWorld::sent(Letter& letter) {
  if (!life_ || letter.life != life_->number() || home_.disk().dead()) return false;
  scene_.address(letter);
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
  if (network_.is_cut_off(host) || !life_ || disk_is_full_ || clock_is_wrong()) return;
  universe_.trace.line(host + " can be reached again");
  for (Place const& place : addresses_.places())
    if (place.host == host) scene_.calm_since.try_emplace(place.provider, universe_.clock.mono_now());
}

void SimulatedWorld::look_around() {
  truth_.look(universe_.clock.true_now(), Maker::provider);
  // What the daemon says of its keys at one moment is asked for once, however many rules compare it.
  auto const ask = scene_.reports;
  if (ask) scene_.reports = [said = ask()] { return said; };
  tell([](Rule& rule) { rule.looked_around(); });
  scene_.reports = ask;
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
  set_clock({});
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
