#pragma once
#include "tests/simulator/azure/key_directory.hpp"

#include <map>

namespace rekeyd::sim::azure {

class Vault;

/// The keys of the vaults of one world, under their real and their loopback names. The vaults outlive it.
class VaultDirectory : public KeyDirectory {
 public:
  void add(Vault& vault);
  std::optional<KeyVersionFacts> find(KeyUrl const& key, Instant at) const override;
  void look_at(KeyUrl const& key, Instant now) override;

 private:
  std::map<std::string, Vault*> vaults_;  ///< By host name.
};

}  // namespace rekeyd::sim::azure
