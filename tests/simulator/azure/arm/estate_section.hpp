#pragma once
#include "tests/simulator/azure/access_token.hpp"
#include "tests/simulator/azure/arm/estate.hpp"
#include "tests/simulator/azure/arm/settings.hpp"
#include "tests/simulator/azure/vault_directory.hpp"
#include "tests/simulator/seed_context.hpp"

#include <memory>
#include <set>

namespace rekeyd::sim {
class Section;
}

namespace rekeyd::sim::azure::arm {

/// What the reading of subscriptions needs to know of the rest of the world file.
struct Surroundings {
  SeedContext& context;
  std::set<std::string> const& tenants;
  VaultDirectory const& keys;
};

/// `subscriptions:` of the azure section.
Estate read_estate(Section& azure, Surroundings const& around);
/// `resource_manager:` of the azure section.
Settings read_resource_manager(Section& azure, bool published_limits);

/// Azure Resource Manager as the azure section has it; it hears of changes in the vaults.
std::unique_ptr<Service> make_resource_manager(Section& azure, bool published_limits,
                                               std::set<std::string> const& tenants,
                                               std::unique_ptr<VaultDirectory> keys, TokenMint const& mint,
                                               SeedContext& context);

}  // namespace rekeyd::sim::azure::arm
