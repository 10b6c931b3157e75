#pragma once
#include "tests/simulation/fate.hpp"
#include "tests/simulation/home.hpp"
#include "tests/simulation/life.hpp"
#include "tests/simulation/log_into_trace.hpp"
#include "tests/simulation/people.hpp"
#include "tests/simulation/rule.hpp"
#include "tests/simulation/run.hpp"
#include "tests/support/seeded_random.hpp"

#include <memory>

namespace rekeyd::simulation {

/// One seed's world from its beginning to its end: clouds, network, people, fate, and one daemon after the
/// other. One at a time in a process.
class SimulatedWorld {
 public:
  SimulatedWorld(Scenario const& scenario, RunOptions const& options);
  Outcome live();

 private:
  // What happens between two handlers.
  void step();
  bool run_ready_work();
  void run_until(providers::Clock::Mono end);

  // The daemon's lives.
  void start_daemon();
  void start_later(std::chrono::milliseconds delay);
  void crash(char const* why);
  void stop_daemon();
  void bury();
  void at_risk_no_more();
  void not_started(Error const& error);
  void fill_disk(std::chrono::milliseconds span);
  void free_disk();
  void set_clock(std::chrono::seconds off);
  bool clock_is_wrong() const;
  bool disk_died();
  void policies_read();
  void put_policies_in_force();

  // What is told to the rules.
  void committed(storage::Change const& change, Result<void> const& outcome);
  bool sent(Letter& letter);
  void arrived(Letter const& letter, sim::Delivery const& delivery);
  template <class Tell>
  void tell(Tell const& told) {
    for (auto const& rule : rules_) told(*rule);
  }

  void begin_outages();
  void next_outage(std::string const& host);
  void calm_down(std::string const& host);
  void look_around();
  void make_peace();
  void let_providers_be_heard();
  void let_what_has_just_begun_end();
  void make_rules();
  std::uint64_t count_cloud_faults() const;
  Outcome outcome() const;

  Scenario const scenario_;  ///< With the chances that this seed has drawn.
  RunOptions options_;
  Universe universe_;
  std::unique_ptr<sim::Cloud> cloud_;
  Home home_;
  Network network_;
  Truth truth_;
  Verdicts verdicts_;
  AddressBook addresses_;
  Scene scene_;
  People people_;
  Fate fate_;
  LogIntoTrace log_;
  Rules rules_;
  test::SeededRandom random_;  ///< The daemon's; goes on over its lives.
  providers::Clock::Mono frozen_until_{};
  bool disk_is_full_{false};
  std::uint64_t cloud_faults_{0};
  std::unique_ptr<Life> life_;
};

}  // namespace rekeyd::simulation
