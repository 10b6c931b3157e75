#pragma once
#include "config/load.hpp"
#include "config/yaml_fields.hpp"

#include <vector>

namespace rekeyd::config {

/// The list `providers`. Names are unique, and no vault or instance is claimed twice: two claims would rotate
/// its keys twice.
std::vector<ProviderSettings> read_providers(Given const& given, Environment const& environment,
                                             Findings& findings);

}  // namespace rekeyd::config
