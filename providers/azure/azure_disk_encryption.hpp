#pragma once
#include "policy/error.hpp"
#include "policy/registration.hpp"
#include "providers/azure/managed_disk.hpp"
#include "providers/azure/resource_manager.hpp"
#include "providers/azure/virtual_machine.hpp"

#include <span>
#include <vector>

/// Azure Disk Encryption: software inside a machine that wraps the machine's disk keys with one version of a
/// root key, and never takes up another by itself (reference: Microsoft's Azure Disk Encryption pages). Where
/// that version is named: by the machine's OS disk, by its extension's settings, by each disk's
/// encryptionSettingsCollection.
namespace rekeyd::providers::azure {

struct DiskEncryptionUsers {
  std::vector<Registration> registrations;  ///< Machines, and disks that no machine holds; by key, then id.
  std::vector<Error> defects;               ///< Keys that are named in a way that we cannot read.
};

/// Those that use a root key of a configured vault. `machines` and `disks` are all of a subscription.
DiskEncryptionUsers disk_encryption_users(std::span<VirtualMachine const> machines,
                                          std::span<ManagedDisk const> disks, VaultsByHost const& vaults);

}  // namespace rekeyd::providers::azure
