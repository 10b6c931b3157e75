#include "providers/azure/vault_limits.hpp"

#include <algorithm>

namespace rekeyd::providers::azure {

namespace {

SharedAllowancePtr& allowance_in(std::map<VaultLimit, SharedAllowancePtr>& rows, VaultLimit row,
                                 PublishedLimit const& limit, unsigned percent, Clock::Mono now) {
  SharedAllowancePtr& allowance = rows[row];
  if (!allowance) allowance = std::make_shared<SharedAllowance>(limit, percent, now);
  return allowance;
}

void lower(std::map<VaultLimit, SharedAllowancePtr>& rows, unsigned percent) {
  for (auto const& [limit, allowance] : rows) allowance->allowance.lower_share(percent);
}

}  // namespace

void VaultLimits::add(Endpoint const& endpoint, AzureKind kind, unsigned percent) {
  auto const [place, is_new] = vaults_.try_emplace(endpoint.host_header());
  Vault& vault = place->second;
  vault.kind = kind;
  vault.percent = is_new ? percent : std::min(vault.percent, percent);
  lower(vault.rows, vault.percent);
}

VaultLimits::Vault* VaultLimits::find(Endpoint const& endpoint) {
  auto const found = vaults_.find(endpoint.host_header());
  return found == vaults_.end() ? nullptr : &found->second;
}

Charges VaultLimits::charges(Endpoint const& endpoint, std::string_view method, std::string_view target) {
  Charges charges;
  Vault* const vault = find(endpoint);
  if (vault == nullptr) return charges;
  VaultRequest const request = vault_request(method, target);
  std::optional<KeyType> type;
  if (auto const known = vault->types.find(request.key); known != vault->types.end()) type = known->second;
  VaultDemand const demand = vault_demand(vault->kind, request.work, type);
  add_charges(charges, *vault, demand);
  return charges;
}

void VaultLimits::add_charges(Charges& charges, Vault& vault, VaultDemand const& demand) {
  auto const now = clock_.mono_now();
  Charge own;
  own.allowance =
      allowance_in(vault.rows, demand.limit, published_limit(vault.kind, demand.limit), vault.percent, now);
  own.cost = demand.units;
  // Managed HSM does not throttle key operations: too many of them show as an unavailable service.
  if (vault.kind == AzureKind::managed_hsm) own.also_refuses_with = 503;
  charges.push_back(std::move(own));
  auto const of_region = published_region_limit(vault.kind, demand.limit);
  if (vault.region == nullptr || !of_region) return;
  Charge shared;
  shared.allowance = allowance_in(vault.region->rows, demand.limit, *of_region, vault.region->percent, now);
  shared.cost = demand.units;
  shared.blamed = false;
  charges.push_back(std::move(shared));
}

void VaultLimits::learn_type(Endpoint const& endpoint, std::string const& key, KeyType const& type) {
  Vault* const vault = find(endpoint);
  if (vault == nullptr) return;
  auto const [known, is_new] = vault->types.insert_or_assign(key, type);
  if (!is_new) return;
  VaultDemand const thought = vault_demand(vault->kind, VaultWork::key, std::nullopt);
  VaultDemand const right = vault_demand(vault->kind, VaultWork::key, type);
  Charges of_reading;
  add_charges(of_reading, *vault, right);
  for (Charge const& charge : of_reading)
    charge.allowance->allowance.add(clock_.mono_now(), right.units - thought.units);
}

void VaultLimits::learn_region(Endpoint const& endpoint, std::string_view name) {
  Vault* const vault = find(endpoint);
  if (vault == nullptr || vault->region != nullptr || name.empty() || name.size() > 64) return;
  auto const [place, is_new] = regions_.try_emplace(std::string(name));
  Region& region = place->second;
  region.percent = is_new ? vault->percent : std::min(region.percent, vault->percent);
  lower(region.rows, region.percent);
  vault->region = &region;
}

}  // namespace rekeyd::providers::azure
