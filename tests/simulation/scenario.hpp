#pragma once
#include "policy/instant.hpp"
#include "tests/simulation/network.hpp"
#include "tests/simulator/faults.hpp"
#include "tests/simulator/mistakes.hpp"

#include <chrono>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace rekeyd::simulation {

/// What befalls the daemon and its host.
struct FateChances {
  double crash_at_work{0};             ///< After one handler, while a rotation is under way.
  std::uint64_t crashes_a_year{0};     ///< At any other moment.
  std::uint64_t stops_a_year{0};       ///< In order, as systemd stops it.
  double disk_dies{0};                 ///< In one life: in the middle of one write of it.
  std::uint64_t full_disks_a_year{0};  ///< For some hours.
  std::uint64_t freezes_a_year{0};     ///< The host sleeps, the world does not.
  std::uint64_t clock_steps_a_year{0};
  std::chrono::seconds clock_step_max{0};  ///< Forward or back: as far off as a host's clock may be.
  std::uint64_t clock_jumps_a_year{0};     ///< Further than that, until a person sets it right.
  std::chrono::seconds clock_jump_max{0};
  std::chrono::seconds down_max{0};  ///< Between two lives.
};

/// What people do behind our back, and for us.
struct PeopleChances {
  std::uint64_t policy_edits_a_year{0};
  std::uint64_t rotations_a_year{0};
  std::uint64_t disablings_a_year{0};  ///< Of one key, enabled again some time later.
  std::uint64_t deletions_a_year{0};   ///< Of one Azure key, recovered some time later.
  std::uint64_t taggings_a_year{0};
  std::uint64_t replacements_a_year{0};   ///< Of one key by another, mostly a new one, asked of the daemon.
  std::uint64_t machine_acts_a_year{0};   ///< A machine is started, stopped, released or prepared to fail.
  std::uint64_t registrations_a_year{0};  ///< Resources of IBM's that are made with a key, change or go.
};

/// From `from` on and before `to` nothing makes a version of these keys: what the policies' windows and
/// freezes amount to, written down by hand.
struct ClosedTime {
  std::string key;  ///< A glob over whole key references.
  Instant from, to;
};

/// A world file (docs/simulation.md): clouds, the daemon's own files, and what goes wrong how often.
struct Scenario {
  std::string name;
  Instant begin;
  std::string clouds;                              ///< A world of tests/simulator, as text.
  std::string settings;                            ///< rekeyd.yaml
  std::vector<std::string> policies;               ///< Policy files; the first is in force at the beginning.
  std::map<std::string, std::string> credentials;  ///< Name → secret.
  std::map<std::string, std::string> material;  ///< PROVIDER/VAULT/KEY → new material, in folder `material`.
  std::vector<sim::FaultRule> faults;
  NetworkChances network;
  FateChances fate;
  PeopleChances people;
  std::vector<ClosedTime> closed;
};

/// All mistakes of the file at once, or the scenario.
std::expected<Scenario, std::vector<sim::Mistake>> load_scenario(std::filesystem::path const& file);

}  // namespace rekeyd::simulation
