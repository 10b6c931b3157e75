#pragma once
#include "policy/error.hpp"
#include "providers/azure/arm_id.hpp"
#include "providers/json_answer.hpp"
#include "providers/machine.hpp"

#include <string>
#include <string_view>
#include <vector>

/// Virtual machines in ARM's bytes and in ours (Microsoft.Compute/virtualMachines, api-version 2024-03-01).
/// Pure, never throws.
namespace rekeyd::providers::azure {

inline constexpr std::string_view virtual_machine_type = "microsoft.compute/virtualmachines";
inline constexpr std::string_view compute_api_version = "2024-03-01";

struct VirtualMachine {
  ArmId id;
  std::map<std::string, std::string> tags;
  /// Those that its disks name, in lower case: a confidential machine's OS disk names its set in another
  /// place than ordinary disks do.
  std::vector<std::string> disk_encryption_sets;
  /// URLs of the keys that Azure Disk Encryption wraps with inside it, as its OS disk and its extensions say.
  std::vector<std::string> encryption_keys;
  bool ephemeral_os_disk{};
  std::string provisioning_state;  ///< "Succeeded", "Updating", "Failed", ...; as sent.
  std::string failure;             ///< Of its last operation: "OverconstrainedAllocationRequest", or empty.
  Power power{Power::unknown};     ///< Only from answers with the instance view.
  bool hibernated{};

  /// Why it could not be stopped for a change of key and started again; nothing when nothing speaks against
  /// it.
  std::optional<ResourceCondition> obstacle() const;
  Machine machine() const;
};

VirtualMachine read_virtual_machine(JsonObject const& entry);

}  // namespace rekeyd::providers::azure
