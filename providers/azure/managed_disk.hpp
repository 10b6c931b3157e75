#pragma once
#include "providers/azure/arm_id.hpp"
#include "providers/json_answer.hpp"

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

ManagedDisk read_managed_disk(JsonObject const& entry);

}  // namespace rekeyd::providers::azure
