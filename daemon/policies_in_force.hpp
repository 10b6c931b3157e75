#pragma once
#include "config/load.hpp"
#include "daemon/control/report.hpp"
#include "daemon/fleet.hpp"
#include "daemon/holds.hpp"
#include "daemon/storm.hpp"
#include "daemon/world.hpp"

#include <optional>
#include <string>
#include <vector>

namespace rekeyd::daemon {

/// Loads the policy files and puts them in force whole or not at all. Remembers what the last attempt said,
/// until it is mended.
class PoliciesInForce {
 public:
  /// `settings` outlives it: where the files are, what they may name, and when an edit is warned of, or held,
  /// as a storm.
  PoliciesInForce(World& world, Fleet& fleet, Holds& holds, config::Settings const& settings)
      : world_(world), fleet_(fleet), holds_(holds), settings_(settings) {}

  /// Error: the history could not record it, so nothing changed. Mistakes in the files are not an Error:
  /// the answer's `applied` is false then.
  Result<ReloadAnswer> load(std::string const& caller);

  std::vector<std::string> const& errors() const { return errors_; }
  std::vector<std::string> const& warnings() const { return warnings_; }
  Instant loaded_at() const { return loaded_at_; }

 private:
  Result<void> bring_into_force(PolicySet policies, std::string const& caller, Storm const& storm,
                                bool changed);
  Result<void> read_digest_of_last_life();
  HistoryEvent event_of(EventKind kind, EventOutcome outcome, std::string const& caller, std::string sentence,
                        std::string const& digest) const;
  Storm storm_of(PolicySet const& policies) const;
  void warn_of(Storm const& storm);

  World& world_;
  Fleet& fleet_;
  Holds& holds_;
  config::Settings const& settings_;
  std::vector<std::string> errors_;
  std::vector<std::string> warnings_;
  Instant loaded_at_{};
  std::optional<std::string> digest_known_;  ///< Of the set in force last, earlier lives included.
};

}  // namespace rekeyd::daemon
