#pragma once
#include "tests/simulator/azure/arm/estate.hpp"
#include "tests/simulator/azure/arm/settings.hpp"
#include "tests/simulator/seed_context.hpp"

#include <functional>
#include <set>

namespace rekeyd::sim {
class Section;
}

namespace rekeyd::sim::azure::arm {

/// What the reading of subscriptions needs to know of the rest of the world file.
struct Surroundings {
  SeedContext& context;
  std::set<std::string> const& tenants;
  KeyDirectory const& keys;
  /// "https://kv1.vault.azure.net/keys/root" of "kv1/root", and whether that is a Key Vault; nothing when
  /// there is no such vault.
  std::function<std::optional<std::pair<KeyUrl, bool>>(std::string const& key)> key_url;
};

/// `subscriptions:` of the azure section.
Estate read_estate(Section& azure, Surroundings const& around);
/// `resource_manager:` of the azure section.
Settings read_resource_manager(Section& azure, bool published_limits);

}  // namespace rekeyd::sim::azure::arm
