#pragma once
#include "tests/simulation/scenario.hpp"
#include "tests/simulation/verdicts.hpp"
#include "tests/simulator/rsa_pool.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rekeyd::simulation {

struct RunOptions {
  std::uint64_t seed{1};
  unsigned months{12};
  bool whole_trace{false};
  /// Ready-made keys for all worlds of a process, or null: each world makes its own, which takes seconds.
  sim::RsaPool const* rsa_keys{nullptr};
};

/// What came of one seed.
struct Outcome {
  std::uint64_t seed{};
  std::optional<Verdicts::Broken> broken;
  std::vector<std::string> last_events;  ///< Of a broken one.
  std::string trace;                     ///< If it was asked for.
  double key_years{};
  std::uint64_t crashes{};
  std::uint64_t faults{};
  std::uint64_t checks{};
  std::uint64_t handlers{};
};

/// Lives through so many months of the scenario with everything drawn from the seed, and then some days in
/// peace, after which all must be well. Throws std::runtime_error if the scenario itself is no good.
Outcome live_through(Scenario const& scenario, RunOptions const& options);

}  // namespace rekeyd::simulation
