#pragma once
#include "config/settings.hpp"
#include "policy/error.hpp"
#include "tests/rehearsal/troubles.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

namespace rekeyd::rehearsal {

/// No model gets more WDEKs than this: each rotation moves them one by one, with real cryptography.
inline constexpr std::size_t deks_max = 10'000;

struct Order {
  config::Settings settings;
  std::filesystem::path database;
  std::optional<std::filesystem::path> policies;  ///< Those in force, if absent.
  unsigned months{12};
  std::uint64_t seed{1};
  Faults faults{Faults::none};
  Instant from{};
  std::size_t deks_max{rehearsal::deks_max};
};

/// Rehearses, and returns rekeyd.rehearsal/1 as one line of JSON. Reads the database, the policy files and
/// the folders of wrapped DEKs; writes nothing and calls nobody. `progress`: see RehearsedWorld.
Result<std::string> rehearse(Order order, std::function<void(Instant, std::size_t)> progress);

}  // namespace rekeyd::rehearsal
