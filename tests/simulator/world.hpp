#pragma once
#include "policy/instant.hpp"
#include "tests/simulator/mistakes.hpp"

#include <cstdint>
#include <expected>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace rekeyd::sim {

class Cloud;
class RsaPool;

struct WorldOptions {
  Instant now;                ///< What "14 months ago" in the file is counted from.
  std::uint64_t seed{1};      ///< The same file, moment and seed give the same world.
  RsaPool const* rsa_keys{};  ///< Ready-made keys to hand out first, so that not every world makes its own.
};

/// Reads a world file (format: tests/simulator/README.md). All its mistakes at once, or the clouds it
/// describes. The `ibm` section is handed whole to sim::ibm::make_services.
std::expected<std::unique_ptr<Cloud>, std::vector<Mistake>> make_world(std::string const& yaml,
                                                                       WorldOptions const& options);
std::expected<std::unique_ptr<Cloud>, std::vector<Mistake>> load_world(std::filesystem::path const& file,
                                                                       WorldOptions const& options);

}  // namespace rekeyd::sim
