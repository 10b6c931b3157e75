#pragma once
#include "storage/store.hpp"
#include "tests/crash_points/io_boundaries.hpp"
#include "tests/crash_points/rotation_case.hpp"
#include "tests/simulator/rsa_pool.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rekeyd::crash_points {

/// What earlier lives of the daemon have left on its host.
struct Past {
  std::string database;                  ///< The file; empty: rekeyd has never run there.
  std::vector<storage::Change> commits;  ///< All of them.
};
/// A life that only watches the key, and ends in order.
Past watched_before(RotationCase const& the_case, sim::RsaPool const& rsa_keys);

/// What came of one run.
struct RunResult {
  std::vector<std::vector<Point>> lives;  ///< The points that each life has met.
  std::string
      end;  ///< What is left at the provider, on the disk and on record, without moments and random ids.
  std::string broken;  ///< Which invariant of the simulation, and the last events; empty: none.
  std::uint64_t checks{};
};

/// From the same beginning, after `past`, to the end of the rotation and a day beyond: the n-th life dies the
/// n-th death, the one after the last lives on. `chance` decides what a loss of power leaves.
RunResult run_rotation(RotationCase const& the_case, Past const& past, std::vector<Death> const& deaths,
                       std::uint64_t chance, sim::RsaPool const& rsa_keys);

}  // namespace rekeyd::crash_points
