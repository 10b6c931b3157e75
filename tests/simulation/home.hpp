#pragma once
#include "config/settings.hpp"
#include "tests/simulation/scenario.hpp"
#include "tests/support/temporary_folder.hpp"

#include <filesystem>
#include <map>
#include <string>

namespace rekeyd::sim {
struct SeededDek;
}

namespace rekeyd::simulation {

/// The daemon's host as far as it is files: configuration, policies, credentials, the state directory, the
/// applications' WDEKs. Outlives the daemon.
class Home {
 public:
  explicit Home(Scenario const& scenario);

  config::Settings const& settings() const { return settings_; }
  std::filesystem::path const& path() const { return folder_.path(); }
  void write_policies(std::string const& text);
  /// Path under deks() → SHA-256 of the DEK in it.
  std::map<std::string, std::string> write_deks(std::vector<sim::SeededDek> const& deks);
  std::filesystem::path deks() const { return folder_.path() / "deks"; }

 private:
  test::TemporaryFolder folder_;
  config::Settings settings_;
};

}  // namespace rekeyd::simulation
