#pragma once
#include "tests/simulator/seed_context.hpp"
#include "tests/simulator/service.hpp"

#include <memory>
#include <vector>

namespace YAML {
class Node;
}

namespace rekeyd::sim::ibm {

/// The IBM services of a world file's `ibm:` section: IAM and the key-management endpoints. Mistakes in the
/// section go to `context.mistakes`; what is returned then is not used.
std::vector<std::unique_ptr<Service>> make_services(YAML::Node const& ibm, SeedContext& context);

}  // namespace rekeyd::sim::ibm
