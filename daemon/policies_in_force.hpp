#pragma once
#include "config/load.hpp"
#include "daemon/control/report.hpp"
#include "daemon/fleet.hpp"
#include "daemon/world.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace rekeyd::daemon {

/// Loads the policy files and puts them in force whole or not at all. Remembers what the last attempt said,
/// until it is mended.
class PoliciesInForce {
 public:
  /// `storm_warning_percent`: a reload that makes more of the fleet due than this is warned of.
  PoliciesInForce(World& world, Fleet& fleet, std::filesystem::path directory, unsigned storm_warning_percent)
      : world_(world),
        fleet_(fleet),
        directory_(std::move(directory)),
        storm_warning_percent_(storm_warning_percent) {}

  /// Error: the history could not record it, so nothing changed. Mistakes in the files are not an Error:
  /// the answer's `applied` is false then.
  Result<ReloadAnswer> load(std::string const& caller);

  std::vector<std::string> const& errors() const { return errors_; }
  std::vector<std::string> const& warnings() const { return warnings_; }
  Instant loaded_at() const { return loaded_at_; }

 private:
  Result<void> record(EventKind kind, EventOutcome outcome, std::string const& caller, std::string sentence,
                      std::string const& digest);
  std::size_t due_under(PolicySet const& policies) const;
  void warn_of_storm(std::size_t due_before, std::size_t due_after);

  World& world_;
  Fleet& fleet_;
  std::filesystem::path directory_;
  unsigned storm_warning_percent_;
  std::vector<std::string> errors_;
  std::vector<std::string> warnings_;
  Instant loaded_at_{};
};

}  // namespace rekeyd::daemon
