#pragma once
#include "tests/simulator/azure/vault.hpp"
#include "tests/simulator/seed_context.hpp"

#include <vector>

namespace rekeyd::sim {
class Section;
}

namespace rekeyd::sim::azure {

/// The keys that one entry of a vault's `keys:` describes: one, or `count` of them with {n} in the name
/// replaced by 1, 2, ... in as many digits as the last needs. Mistakes go to the section.
std::vector<Key> read_keys(Section& section, VaultKind kind, SeedContext& context);

}  // namespace rekeyd::sim::azure
