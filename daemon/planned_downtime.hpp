#pragma once
#include "daemon/control/report.hpp"
#include "daemon/fleet.hpp"
#include "daemon/world.hpp"

#include <vector>

namespace rekeyd::daemon {

/// The machines that will stand still for the rotations of `plan`, as the last survey showed them.
std::vector<DowntimeReport> planned_downtimes(World& world, Fleet const& fleet, PlanReport const& plan);

}  // namespace rekeyd::daemon
