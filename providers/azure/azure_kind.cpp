#include "providers/azure/azure_kind.hpp"

namespace rekeyd::providers {

namespace {

using namespace std::chrono_literals;

AzureTraits key_vault_traits() {
  AzureTraits traits;
  traits.service = "Key Vault";
  traits.capabilities.kind = "azure-key-vault";
  // Zones are written synchronously and the paired region is never read after a write; two minutes cover a
  // front end that answers from a cache. Documented (general/disaster-recovery-guidance): no figure.
  traits.capabilities.visibility_lag = 2min;
  traits.capabilities.versions_warning = 500;  // A backup of more versions fails (general/backup.md).
  traits.capabilities.versions_expire = true;
  traits.capabilities.versions_can_be_disabled = true;
  traits.capabilities.tags_can_be_set = true;
  traits.has_notify_action = true;
  traits.capabilities.rotates_by_itself = true;
  traits.role_to_rotate = "Key Vault Crypto Officer";
  return traits;
}

AzureTraits managed_hsm_traits() {
  AzureTraits traits;
  traits.service = "Managed HSM";
  traits.capabilities.kind = "azure-managed-hsm";
  // With an extended region a write may take six minutes to be in both (multi-region-replication.md).
  traits.capabilities.visibility_lag = 6min;
  traits.capabilities.versions_max = 100;  // Hard; old versions cannot be deleted (key-rotation.md).
  traits.capabilities.versions_warning = 80;
  traits.capabilities.versions_expire = true;
  traits.capabilities.versions_can_be_disabled = true;
  traits.capabilities.tags_can_be_set = true;
  traits.capabilities.rotates_by_itself = true;
  traits.rotate_needs_policy = true;
  // Crypto Officer may only purge, recover and manage roles there (local-rbac-built-in-roles.md).
  traits.role_to_rotate = "Managed HSM Crypto User";
  return traits;
}

}  // namespace

AzureTraits const& azure_traits(AzureKind kind) {
  static AzureTraits const key_vault = key_vault_traits();
  static AzureTraits const managed_hsm = managed_hsm_traits();
  return kind == AzureKind::key_vault ? key_vault : managed_hsm;
}

ApiLimits azure_default_limits(AzureKind) {
  ApiLimits limits;
  limits.requests_per_second = 0;
  return limits;
}

}  // namespace rekeyd::providers
