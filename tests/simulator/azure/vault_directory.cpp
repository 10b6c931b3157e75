#include "tests/simulator/azure/vault_directory.hpp"

#include "tests/simulator/azure/vault.hpp"

namespace rekeyd::sim::azure {

void VaultDirectory::add(Vault& vault) {
  for (auto const& host : vault.hosts()) vaults_.emplace(host, &vault);
}

std::optional<KeyVersionFacts> VaultDirectory::find(KeyUrl const& key, Instant at) const {
  auto const found = vaults_.find(key.host);
  if (found == vaults_.end()) return std::nullopt;
  return found->second->facts(key.name, key.version, at);
}

void VaultDirectory::look_at(KeyUrl const& key, Instant now) {
  if (auto const found = vaults_.find(key.host); found != vaults_.end())
    found->second->look_at(key.name, now);
}

}  // namespace rekeyd::sim::azure
