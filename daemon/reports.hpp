#pragma once
#include "daemon/brakes.hpp"
#include "daemon/control/report.hpp"
#include "daemon/fleet.hpp"
#include "daemon/world.hpp"

#include <vector>

namespace rekeyd::daemon {

/// What is told of the fleet, made from what is known at this moment; asks nobody.
KeyReport report_key(World& world, Fleet const& fleet, TrackedKey const& key, BrakeFacts const& brakes);
std::vector<KeyReport> report_keys(World& world, Fleet const& fleet, Brakes& brakes);
HoldReport report_hold(World& world, Fleet const& fleet, Hold const& hold);
std::vector<ProviderReport> report_providers(World& world);
std::vector<DekStoreReport> report_dek_stores(World& world);
/// Fills in what is said of keys, providers and stores; the daemon adds what it knows of itself.
StatusReport report_status(World& world, Fleet const& fleet, Brakes& brakes);
PlanReport report_plan(World& world, Fleet const& fleet, Instant until);

}  // namespace rekeyd::daemon
