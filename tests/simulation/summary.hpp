#pragma once
#include "tests/simulation/run.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rekeyd::simulation {

/// One line of text and back, for the way from a worker process to its parent. The trace stays behind.
std::string to_line(Outcome const& outcome);
std::optional<Outcome> parse_outcome(std::string_view line);

/// What a person needs of a broken seed: itself, the invariant, what was wrong, the last events, and the
/// command that lives it again.
std::string describe(Outcome const& outcome, std::string const& command);

/// All seeds of a run together.
class Summary {
 public:
  void add(Outcome const& outcome);
  std::uint64_t broken() const { return broken_; }
  /// "simulation: N seeds, Y key-years, C crashes, F faults, I invariant checks, B broken, T s"
  std::string line(std::chrono::seconds took) const;

 private:
  std::uint64_t seeds_{0}, crashes_{0}, faults_{0}, checks_{0}, broken_{0};
  double key_years_{0};
};

}  // namespace rekeyd::simulation
