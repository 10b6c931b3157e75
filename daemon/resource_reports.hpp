#pragma once
#include "daemon/control/report.hpp"
#include "daemon/fleet.hpp"
#include "daemon/world.hpp"

#include <string>
#include <vector>

namespace rekeyd::daemon {

/// Every resource on record, with its key's current version. Error: the store cannot be read.
Result<std::vector<ResourceReport>> report_resources(World& world, Fleet const& fleet);

/// What a person should know of the resources: surveys that fail, and what keeps resources from their keys.
std::vector<std::string> resource_warnings(World& world, Fleet const& fleet);

}  // namespace rekeyd::daemon
