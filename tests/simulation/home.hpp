#pragma once
#include "config/settings.hpp"
#include "tests/simulation/disk/simulated_disk.hpp"
#include "tests/simulation/scenario.hpp"
#include "tests/support/temporary_folder.hpp"

#include <filesystem>
#include <map>
#include <string>

namespace rekeyd::sim {
struct SeededDek;
}

namespace rekeyd::simulation {

/// The daemon's host as far as it is files. Outlives the daemon. The database and the applications' WDEKs lie
/// on a disk that loses what was not synced; configuration, policies and credentials, which the daemon only
/// reads, on a real one.
class Home {
 public:
  Home(Scenario const& scenario, std::uint64_t seed);

  config::Settings const& settings() const { return settings_; }
  SimulatedDisk& disk() { return disk_; }
  SimulatedDisk const& disk() const { return disk_; }
  void write_policies(std::string const& text);
  /// Whole path of each file → SHA-256 of the DEK in it.
  std::map<std::string, std::string> write_deks(std::vector<sim::SeededDek> const& deks);

 private:
  test::TemporaryFolder folder_;
  SimulatedDisk disk_;
  config::Settings settings_;
};

}  // namespace rekeyd::simulation
