#pragma once
#include "policy/error.hpp"
#include "policy/registration.hpp"
#include "providers/azure/arm_id.hpp"
#include "providers/azure/key_vault_json.hpp"
#include "providers/json_answer.hpp"
#include "providers/secret.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Disk encryption sets in ARM's bytes and in ours (Microsoft.Compute/diskEncryptionSets, api-version
/// 2023-10-02 and later, whose shapes are the same). Pure, never throws.
namespace rekeyd::providers::azure {

inline constexpr std::string_view disk_encryption_set_type = "microsoft.compute/diskencryptionsets";
inline constexpr std::string_view disk_api_version = "2023-10-02";

struct DiskEncryptionSet {
  ArmId id;
  std::string encryption_type;  ///< "ConfidentialVmEncryptedWithCustomerKey", ...; as sent.
  std::string identity;         ///< "SystemAssigned", ...; "None" or empty: it has lost it.
  KeyIdentifier key;            ///< The active one. Its version should be there; what is sent decides.
  std::string source_vault;     ///< ARM id as sent, or empty: another subscription's vault, or an HSM pool.
  std::vector<std::string> previous_keys;  ///< URLs; not empty only while a change of key is under way.
  std::string provisioning_state;          ///< "Succeeded", "Updating", "Failed"; empty means Succeeded.
  bool follows_by_itself{};                ///< rotationToLatestKeyVersionEnabled
  std::optional<Instant> last_rotation;
  std::string auto_rotation_error;  ///< "CODE: message"; while it is there Azure does not follow any more.

  bool confidential() const;
  /// Under way, by Azure's own words.
  bool changing() const;
  /// What keeps it from following its key, or from being moved; nothing when all is well.
  std::optional<ResourceCondition> condition() const;
  /// As a tie to `key`, without what lives on it.
  Registration registration(KeyRef key) const;
};

DiskEncryptionSet read_disk_encryption_set(JsonObject const& entry);
/// {"value":["<resource id>",..]}: ids that are none are left out, for nothing can be done about them.
Result<std::vector<ResourceId>> parse_associated_resources(std::string_view body, std::string const& where);

/// PATCH body that names another version of the set's key and changes nothing else.
Body write_active_key(DiskEncryptionSet const& set, std::string const& key_url);

}  // namespace rekeyd::providers::azure
