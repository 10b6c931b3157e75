#pragma once
#include "policy/error.hpp"
#include "providers/azure/arm_id.hpp"

#include <string>
#include <string_view>
#include <vector>

/// Virtual machines in ARM's bytes and in ours (Microsoft.Compute/virtualMachines, api-version 2024-03-01).
namespace rekeyd::providers::azure {

inline constexpr std::string_view compute_api_version = "2024-03-01";

struct VirtualMachine {
  ArmId id;
  /// Those that its disks name, in lower case: a confidential machine's OS disk names its set in another
  /// place than ordinary disks do.
  std::vector<std::string> disk_encryption_sets;
};

struct VirtualMachinePage {
  std::vector<VirtualMachine> machines;
  std::vector<Error> defects;  ///< Entries that could not be read; the others are good.
};

Result<VirtualMachinePage> parse_virtual_machines(std::string_view body, std::string const& where);

}  // namespace rekeyd::providers::azure
