#pragma once
#include "tests/simulator/service.hpp"

#include <optional>
#include <string>

namespace rekeyd::sim::azure::arm {

/// Every resource type has api-versions of its own. The refusal of a version that this type does not have, or
/// nothing. `type` in lower case: "microsoft.compute/virtualmachines".
std::optional<Answer> wrong_api_version(std::string const& type, std::optional<std::string> const& version,
                                        std::string const& location);

}  // namespace rekeyd::sim::azure::arm
