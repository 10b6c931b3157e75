#include "tests/simulator/azure/vault_directory.hpp"

#include "tests/simulator/azure/names.hpp"
#include "tests/simulator/azure/vault.hpp"
#include "tests/simulator/message.hpp"

namespace rekeyd::sim::azure {

void VaultDirectory::add(Vault& vault) {
  for (auto const& host : vault.hosts()) vaults_.emplace(host, &vault);
}

std::optional<KeyUrl> VaultDirectory::named(std::string_view key) const {
  auto const slash = key.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  for (auto const& suffix : {vault_suffix, managed_hsm_suffix}) {
    std::string const host = lower(key.substr(0, slash)) + std::string(suffix.real);
    if (vaults_.contains(host)) return KeyUrl{host, std::string(key.substr(slash + 1)), {}};
  }
  return std::nullopt;
}

void VaultDirectory::before_changes(std::function<void(Instant)> const& listener) {
  for (auto const& [host, vault] : vaults_) vault->before_changes(listener);
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
