#include "tests/rehearsal/rehearsed_world.hpp"
#include "tests/simulation/address_book.hpp"

#include <boost/json.hpp>

#include <stdexcept>
#include <utility>

/// The daemon's lives: how they begin and end, and what befalls them.
namespace rekeyd::rehearsal {

using namespace std::chrono_literals;
using simulation::Life;

Result<void> RehearsedWorld::start_daemon() {
  Life::Parts parts{.universe = universe_,
                    .network = network_,
                    .settings = model_.settings,
                    .random = random_,
                    .number = ++lives_,
                    .vfs = disk_.vfs(),
                    .on_commit =
                        [this](storage::Change const& change, Result<void> const& outcome) {
                          if (outcome) committed(change);
                        },
                    .on_deks = [](std::vector<DekId> const&) {}};
  auto begun = Life::begin(std::move(parts));
  if (!begun) return std::unexpected(begun.error());
  life_ = *std::move(begun);
  return {};
}

/// An edit that is not in force yet is read by a daemon that runs, as `rekeyctl reload` has it do.
Result<void> RehearsedWorld::put_policies_in_force() {
  if (play_.policies_from == model_.settings.policies) return {};
  model_.settings.policies = play_.policies_from;
  auto const answer = life_->daemon().reload(operator_name);
  if (!answer) return std::unexpected(answer.error());
  if (answer->applied) return {};
  Error error;
  error.what = "the policies cannot be brought into force";
  error.where = play_.policies_from.string();
  if (!answer->diagnostics.empty()) error.what += ": " + answer->diagnostics.front();
  return std::unexpected(std::move(error));
}

void RehearsedWorld::committed(storage::Change const& change) {
  on_commit(change);
  diary_.committed(change);
  for (storage::StepRecord const& step : change.steps) {
    if (step.ended_at) under_way_.erase(step.rotation.str());
  }
  for (storage::StepRecord const& step : change.steps) {
    if (!step.ended_at) under_way_.insert(step.rotation.str());
  }
}

void RehearsedWorld::start_later(std::chrono::milliseconds delay) {
  universe_.happenings.at(universe_.in(delay), [this] { start_again(); });
}

void RehearsedWorld::start_again() {
  if (life_) return;
  auto const started = start_daemon();
  if (started) return;
  if (!disk_is_full_)
    throw std::runtime_error("the daemon does not start again: " + to_text(started.error()));
  start_later(10min);
}

void RehearsedWorld::crash() {
  if (!life_) return;
  ++universe_.crashes;
  bury();
  start_later(fate_.time_down());
}

void RehearsedWorld::stop_daemon() {
  if (life_) life_->stop();
}

void RehearsedWorld::bury() {
  bool const in_order = life_->ended();
  diary_.life_over(life_->daemon().status().providers);
  // A process that dies closes nothing: what its memory's release would still write does not count.
  if (!in_order) disk_.die_at(0);
  life_.reset();
  if (!in_order && fate_.takes_power()) {
    disk_.power_cut();
  } else {
    disk_.kill_process();
  }
  disk_.full(disk_is_full_);
  under_way_.clear();
  frozen_until_ = {};
}

void RehearsedWorld::begin_troubles() {
  if (play_.faults == Faults::none) return;
  network_.chances = troubles_.network;
  for (sim::FaultRule const& rule : troubles_.clouds) model_.cloud->faults().add(rule);
  fate_.begin();
  simulation::AddressBook const addresses(model_.settings);
  for (std::string const& host : addresses.hosts()) next_outage(host);
}

void RehearsedWorld::fill_disk(std::chrono::milliseconds span) {
  ++universe_.faults;
  disk_is_full_ = true;
  disk_.full(true);
  universe_.happenings.at(universe_.in(span), [this] { free_disk(); });
}

void RehearsedWorld::free_disk() {
  disk_is_full_ = false;
  disk_.full(false);
}

void RehearsedWorld::next_outage(std::string const& host) {
  auto const when = universe_.in(simulation::until_next(universe_.fate, troubles_.network.outages_a_year));
  universe_.happenings.at(when, [this, host] {
    ++universe_.faults;
    network_.cut_off(host,
                     universe_.in(simulation::between(universe_.fate, 1min, troubles_.network.outage_max)));
    next_outage(host);
  });
}

std::uint64_t RehearsedWorld::count_cloud_faults() const {
  std::uint64_t hits = 0;
  boost::json::value const rules = model_.cloud->faults().state();
  for (boost::json::value const& rule : rules.as_array())
    hits += rule.as_object().at("hits").to_number<std::uint64_t>();
  return hits;
}

}  // namespace rekeyd::rehearsal
