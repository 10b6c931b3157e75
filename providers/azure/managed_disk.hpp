#pragma once
#include "policy/error.hpp"
#include "providers/azure/arm_id.hpp"

#include <string>
#include <string_view>
#include <vector>

/// Managed disks in ARM's bytes and in ours (Microsoft.Compute/disks, api-version 2023-10-02). Pure, never
/// throws.
namespace rekeyd::providers::azure {

inline constexpr std::string_view managed_disk_type = "microsoft.compute/disks";

struct ManagedDisk {
  ArmId id;
  std::vector<std::string> disk_encryption_sets;  ///< In lower case; for ordinary and for confidential use.
  std::vector<std::string> managed_by;       ///< Ids in lower case: machines, or instances of scale sets.
  std::vector<std::string> encryption_keys;  ///< URLs of the keys that Azure Disk Encryption wraps with.
};

struct ManagedDiskPage {
  std::vector<ManagedDisk> disks;
  std::vector<Error> defects;  ///< Entries that could not be read; the others are good.
};

Result<ManagedDiskPage> parse_managed_disks(std::string_view body, std::string const& where);

}  // namespace rekeyd::providers::azure
