#pragma once
#include "tests/rehearsal/diary.hpp"
#include "tests/rehearsal/modelled_clouds.hpp"
#include "tests/rehearsal/troubles.hpp"
#include "tests/simulation/disk/simulated_disk.hpp"
#include "tests/simulation/fate.hpp"
#include "tests/simulation/life.hpp"
#include "tests/simulation/log_into_trace.hpp"
#include "tests/simulation/network.hpp"
#include "tests/support/seeded_random.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

namespace rekeyd::rehearsal {

/// What is rehearsed.
struct Play {
  KnownState state;
  DekCounts deks;                       ///< How many the model gets.
  config::Settings settings;            ///< The daemon's own; `policies`: those that it has in force.
  PolicySet policies;                   ///< What is rehearsed, as it was read.
  std::filesystem::path policies_from;  ///< Where it was read.
  Instant from{};
  unsigned months{12};
  std::uint64_t seed{1};
  Faults faults{Faults::none};
};

inline constexpr char const* operator_name = "the operator of the rehearsal";
inline constexpr std::chrono::hours release_after{24};
inline constexpr std::chrono::hours retry_after{48};

/// The real daemon against a model of its clouds, on a host in memory, in virtual time. An operator is at
/// hand: a hold that asks for a person is released after a day, and where faults come and go, a blocked
/// rotation is tried again every other day.
class RehearsedWorld {
 public:
  explicit RehearsedWorld(Play play);

  /// Called now and then with the moment that is reached and how many rotations have begun.
  std::function<void(Instant, std::size_t)> on_progress = [](Instant, std::size_t) {};

  /// Called with what the daemon has made durable.
  std::function<void(storage::Change const&)> on_commit = [](storage::Change const&) {};

  Instant until() const { return until_; }
  /// Where the rehearsal differs from what will be, a sentence each.
  std::vector<std::string> const& notes() const { return model_.notes; }
  std::size_t keys() const { return play_.state.keys.size(); }
  std::size_t deks() const { return model_.deks.size(); }

  /// Error: the daemon does not start at all.
  Result<Findings> live();

 private:
  // The host, before the daemon's first life.
  void furnish();
  Result<void> open_books();

  // What happens between two handlers.
  void run_until(simulation::Happenings::Mono end);
  void step();
  bool run_ready_work();

  // The daemon's lives.
  Result<void> start_daemon();
  Result<void> put_policies_in_force();
  void start_again();
  void start_later(std::chrono::milliseconds delay);
  void crash();
  void stop_daemon();
  void bury();
  void committed(storage::Change const& change);

  // What befalls it.
  void begin_troubles();
  void fill_disk(std::chrono::milliseconds span);
  void free_disk();
  void next_outage(std::string const& host);
  std::uint64_t count_cloud_faults() const;

  // The operator.
  std::chrono::hours between_looks() const;
  void look_in(std::chrono::minutes rest);
  void look();
  void release_holds(Instant now);
  void retry_blocked(std::vector<daemon::KeyReport> const& keys, Instant now);

  Instant wall() const { return universe_.clock.true_now(); }

  Play play_;
  Instant until_;
  simulation::Universe universe_;
  ModelledClouds model_;
  simulation::SimulatedDisk disk_;
  simulation::Network network_;
  Troubles troubles_;
  simulation::Fate fate_;
  Diary diary_;
  simulation::LogIntoTrace log_;
  test::SeededRandom random_;  ///< The daemon's; goes on over its lives.
  std::uint64_t lives_{0};
  std::set<std::string> under_way_;  ///< Rotations with a step that is intended and has no outcome.
  simulation::Happenings::Mono frozen_until_{};
  bool disk_is_full_{false};
  std::unique_ptr<simulation::Life> life_;
};

}  // namespace rekeyd::rehearsal
