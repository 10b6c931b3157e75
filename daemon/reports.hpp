#pragma once
#include "daemon/control/report.hpp"
#include "daemon/fleet.hpp"
#include "daemon/world.hpp"

#include <optional>
#include <vector>

namespace rekeyd::daemon {

/// What is told of the fleet, made from what is known at this moment; asks nobody.
/// `quota_free_at`: set while the cap of rotations per hour is used up.
KeyReport report_key(World& world, Fleet const& fleet, TrackedKey const& key,
                     std::optional<Instant> quota_free_at);
std::vector<KeyReport> report_keys(World& world, Fleet const& fleet, std::optional<Instant> quota_free_at);
std::vector<ProviderReport> report_providers(World& world);
std::vector<DekStoreReport> report_dek_stores(World& world);
/// Fills in what is said of keys, providers and stores; the daemon adds what it knows of itself.
StatusReport report_status(World& world, Fleet const& fleet, std::optional<Instant> quota_free_at);
PlanReport report_plan(World& world, Fleet const& fleet, Instant until);

}  // namespace rekeyd::daemon
