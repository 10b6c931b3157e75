#include "config/load.hpp"
#include "tests/simulation/simulated_world.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

/// The daemon's lives: how they begin, what they read, how they end, and what is looked at in between.
namespace rekeyd::simulation {

using namespace std::chrono_literals;

void SimulatedWorld::start_daemon() {
  if (life_) return;
  ++scene_.life;
  Life::Parts parts{universe_, network_, home_.settings(), random_, scene_.life, home_.disk().vfs(), {}, {}};
  if (auto const death = fate_.disk_death()) home_.disk().die_at(home_.disk().operations() + *death);
  parts.on_commit = [this](storage::Change const& change, Result<void> const& outcome) {
    if (outcome) at_risk_no_more();
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
    if (!network_.is_cut_off(place.host) && !disk_is_full_ && !clock_is_wrong())
      scene_.calm_since[place.provider] = universe_.clock.mono_now();
  }
  policies_read();
  if (!disk_died()) tell([](Rule& rule) { rule.began(); });
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

/// As long as it is wrong a hold excuses what does not begin.
void SimulatedWorld::set_clock(std::chrono::seconds off) {
  bool const was_wrong = clock_is_wrong();
  universe_.trace.line(fmt::format("the wall clock is set: {} s off", off.count()));
  universe_.clock.step_wall(off - universe_.clock.skew());
  if (clock_is_wrong()) scene_.calm_since.clear();
  if (!was_wrong || clock_is_wrong()) return;
  for (std::string const& host : addresses_.hosts()) calm_down(host);
}

bool SimulatedWorld::clock_is_wrong() const {
  return std::chrono::abs(universe_.clock.skew()) > scenario_.fate.clock_step_max;
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
  bool const power_was_lost = !in_order && fate_.takes_power();
  if (power_was_lost) {
    disk.power_cut();
  } else {
    disk.kill_process();
  }
  disk.full(disk_is_full_);
  scene_.on_record.intended.clear();
  scene_.calm_since.clear();
  frozen_until_ = {};
  scene_.examine_database(home_.disk().vfs());
  if (power_was_lost && scene_.database) at_risk_no_more();
  tell([](Rule& rule) { rule.left_behind(); });
}

/// What is still there is on the disk now.
void SimulatedWorld::at_risk_no_more() {
  for (storage::Change const& change : std::exchange(scene_.at_risk, {})) committed(change, {});
}

/// A provider may rotate a key by itself in the last hours: the daemon hears of it with its next inventory.
void SimulatedWorld::let_providers_be_heard() {
  auto const latest = universe_.in(3 * 24h);
  auto const just_made = [&](auto const& each) {
    TrueVersion const& newest = each.second.versions.back();
    Instant const heard = newest.created + home_.settings().inventory_every + 1h;
    return newest.maker == Maker::provider && heard > universe_.clock.true_now();
  };
  truth_.look(universe_.clock.true_now(), Maker::provider);
  while (!verdicts_.broken() && universe_.clock.mono_now() < latest &&
         std::ranges::any_of(truth_.keys(), just_made)) {
    run_until(universe_.in(1h));
    truth_.look(universe_.clock.true_now(), Maker::provider);
  }
}

}  // namespace rekeyd::simulation
