#pragma once
#include "daemon/control/report.hpp"
#include "tests/simulation/disk/simulated_disk.hpp"
#include "tests/simulation/scenario.hpp"

#include <functional>
#include <optional>
#include <string>

namespace rekeyd::crash_points {

/// What the rotated key is.
enum class KeyKind {
  key_vault,
  managed_hsm,
  key_protect,
  key_protect_imported,       ///< rekeyd has no material for it: a person rotates it, and rekeyd follows.
  key_protect_with_material,  ///< Imported; rekeyd draws random material for it.
  key_protect_with_token,     ///< The same, wrapped for an import token.
  key_vault_with_material,    ///< Imported; its material lies in a file.
  key_protect_dedicated,
  hpcs,
  confidential_machines,  ///< At Key Vault, with six machines on it, two of them stopped by their owner.
  sql_and_storage,        ///< At Key Vault, with two SQL servers and a storage account that pins its version.
  key_vault_replaced,     ///< Not rotated but replaced by a key that rekeyd is to make.
  key_protect_replaced,   ///< Likewise.
  machines_on_another_key,  ///< Confidential machines whose key is replaced by one that is there.
};

enum class Deks { none, wrapped_locally, wrapped_by_service };

/// One key that is rotated once, alone at its provider.
struct RotationCase {
  std::string name;
  simulation::Scenario scenario;  ///< Its first policy file rotates the key, its second only watches.
  std::string key;                ///< Its reference.
  KeyKind kind{};
  /// What a person asks of the daemon, if it is not the calendar that has the key rotated.
  std::optional<daemon::ReplaceRequest> replacement{};
  /// A mistake on purpose, to see that it is found.
  std::function<void(simulation::SimulatedDisk&)> on_disk = [](simulation::SimulatedDisk&) {};
};

RotationCase rotation_case(KeyKind kind, Deks deks);

}  // namespace rekeyd::crash_points
