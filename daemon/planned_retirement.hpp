#pragma once
#include "daemon/control/report.hpp"
#include "daemon/fleet.hpp"
#include "daemon/world.hpp"

#include <string>
#include <vector>

namespace rekeyd::daemon {

/// Old versions of all keys that their policies want taken out of use until then.
std::vector<RetirementReport> planned_retirements(World& world, Fleet const& fleet, Instant until);

/// A sentence for each key whose provider will soon bear no further version.
std::vector<std::string> tight_version_budgets(World& world, Fleet const& fleet);

/// A sentence for each provider that bills every version of a key: how many more the plan makes.
std::vector<std::string> billed_versions(World& world, PlanReport const& plan);

}  // namespace rekeyd::daemon
