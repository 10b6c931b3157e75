#pragma once
#include "tests/simulator/seed_context.hpp"
#include "tests/simulator/service.hpp"

#include <memory>
#include <vector>

namespace YAML {
class Node;
}

namespace rekeyd::sim::azure {

/// The services of a world file's `azure:` section: Entra ID, the vaults, the HSM pools and Azure Resource
/// Manager. Mistakes in the section go to `context.mistakes`; what is returned then is not used.
std::vector<std::unique_ptr<Service>> make_services(YAML::Node const& azure, SeedContext& context);

}  // namespace rekeyd::sim::azure
