#pragma once
#include "tests/simulator/azure/key_directory.hpp"

#include <functional>
#include <map>

namespace rekeyd::sim::azure {

class Vault;

/// The keys of the vaults of one world, under their real and their loopback names. The vaults outlive it.
class VaultDirectory : public KeyDirectory {
 public:
  void add(Vault& vault);
  /// The URL of "VAULT/KEY", as a world file names it, under the vault's real name; nothing when there is no
  /// such vault.
  std::optional<KeyUrl> named(std::string_view key) const;
  /// Hears of every request that may change something in one of the vaults, before it does.
  void before_changes(std::function<void(Instant)> const& listener);

  std::optional<KeyVersionFacts> find(KeyUrl const& key, Instant at) const override;
  void look_at(KeyUrl const& key, Instant now) override;

 private:
  std::map<std::string, Vault*> vaults_;  ///< By host name.
};

}  // namespace rekeyd::sim::azure
