#include "providers/azure/service_limits.hpp"

#include "providers/azure/letter_case.hpp"

#include <algorithm>

namespace rekeyd::providers::azure {

namespace {

using namespace std::chrono_literals;
using Window = PublishedLimit;

// Key Vault, of one vault in ten seconds (general/service-limits.md: "Key transactions", "Secrets, managed
// storage account keys, and vault transactions"). "The throttling thresholds are weighted, and enforcement is
// on their sum": units are transactions of the cheapest kind of key.
constexpr PublishedLimit vault_creations = Window::window(20, 10s);  // Software keys; HSM keys 10.
constexpr PublishedLimit vault_imports = Window::window(300, 10s);   // Shared with secrets.
constexpr PublishedLimit vault_keys = Window::window(4'000, 10s);    // RSA 2048 and EC in software.
constexpr PublishedLimit vault_others = Window::window(4'000, 10s);
// Its footnote: "a subscription-wide limit for all transaction types is five times per key vault limit".
constexpr std::int64_t vaults_of_a_subscription = 5;

struct KeyRow {
  unsigned bits;
  std::int64_t software, hsm;  ///< Transactions in ten seconds.
};
constexpr KeyRow vault_rsa_keys[] = {{2048, 4'000, 2'000}, {3072, 1'000, 500}, {4096, 500, 250}};
// EC likewise; symmetric keys in hardware, which no table names, are taken for as much.
constexpr KeyRow vault_other_keys{0, 4'000, 2'000};

// Managed HSM, of one pool in a second: what Microsoft measured at best (managed-hsm/scaling-guidance.md,
// December 2025). Nothing is throttled there but creations; overload shows as latency and 503. Key operations
// are work of the same hardware, so they share one sum, in millionths of a second.
constexpr PublishedLimit pool_creations = Window::window(1, 1s);
constexpr PublishedLimit pool_removals = Window::window(10, 1s);  // Backup and restore likewise.
constexpr std::int64_t pool_second = 1'000'000;
constexpr PublishedLimit pool_keys = Window::window(pool_second, 1s);
constexpr std::int64_t pool_gets = 1'100;

struct PoolRow {
  KeyAlgorithm algorithm;
  unsigned bits;
  std::int64_t protect, open;  ///< Operations in a second.
};
constexpr PoolRow pool_rows[] = {
    {KeyAlgorithm::rsa, 2048, 2'200, 1'100}, {KeyAlgorithm::rsa, 3072, 1'900, 360},
    {KeyAlgorithm::rsa, 4096, 1'900, 160},   {KeyAlgorithm::aes, 128, 2'100, 1'800},
    {KeyAlgorithm::aes, 192, 2'100, 1'900},  {KeyAlgorithm::aes, 256, 2'100, 2'200},
};
constexpr PoolRow heaviest_pool_row = pool_rows[2];

// Azure Resource Manager's token buckets since 2024, for each principal, subscription and region
// (azure-resource-manager/management/request-limits-and-throttling.md).
constexpr PublishedLimit arm_reads = Window::bucket(250, 25, 1s);
constexpr PublishedLimit arm_writes = Window::bucket(200, 10, 1s);

// Compute, for each subscription (virtual-machines/compute-throttling-limits.md), and what its answers told
// of disk encryption sets: HighCostDiskEncryptionSet3Min and 30Min, LowCostGet3Min.
constexpr PublishedLimit set_changes = Window::bucket(100, 100, 3min);
constexpr PublishedLimit set_changes_for_long = Window::bucket(300, 300, 30min);
constexpr PublishedLimit set_reads = Window::bucket(15'000, 15'000, 3min);
constexpr PublishedLimit machine_reads = Window::bucket(24'000, 8'000, 1min);
constexpr PublishedLimit machine_lists = Window::bucket(900, 300, 1min);
constexpr PublishedLimit machine_changes = Window::bucket(1'500, 500, 1min);
constexpr PublishedLimit operation_reads = Window::bucket(15'000, 5'000, 1min);
// The same for one machine, and for one operation.
constexpr PublishedLimit one_machines_reads = Window::bucket(36, 12, 1min);
constexpr PublishedLimit one_machines_changes = Window::bucket(12, 4, 1min);
constexpr PublishedLimit one_operations_reads = Window::bucket(45, 15, 1min);

std::int64_t weight(PublishedLimit const& limit, std::int64_t allowed) {
  return (limit.units + allowed - 1) / allowed;
}

/// What Key Vault allows of keys of that type. A size between two rows counts as the next larger one.
std::int64_t vault_allows(KeyType const& type) {
  bool const hsm = type.protection == Protection::hsm;
  KeyRow row = vault_other_keys;
  if (type.algorithm == KeyAlgorithm::rsa) {
    auto const fits =
        std::ranges::find_if(vault_rsa_keys, [&](KeyRow const& each) { return type.bits <= each.bits; });
    row = fits == std::end(vault_rsa_keys) ? vault_rsa_keys[2] : *fits;
  }
  return hsm ? row.hsm : row.software;
}

std::int64_t pool_allows(VaultWork work, KeyType const& type) {
  if (work != VaultWork::protect && work != VaultWork::open) return pool_gets;
  auto const fits = std::ranges::find_if(pool_rows, [&](PoolRow const& each) {
    return each.algorithm == type.algorithm && type.bits <= each.bits;
  });
  PoolRow const& row = fits == std::end(pool_rows) ? heaviest_pool_row : *fits;
  return work == VaultWork::protect ? row.protect : row.open;
}

constexpr KeyType ordinary{KeyAlgorithm::rsa, 2048, Protection::hsm};
constexpr KeyType heaviest{KeyAlgorithm::rsa, 4096, Protection::hsm};

VaultLimit limit_of(AzureKind kind, VaultWork work) {
  bool const pool = kind == AzureKind::managed_hsm;
  switch (work) {
    case VaultWork::create:
      return VaultLimit::creations;
    case VaultWork::import:
      return pool ? VaultLimit::creations : VaultLimit::imports;
    case VaultWork::remove:
      return pool ? VaultLimit::removals : VaultLimit::key_transactions;
    case VaultWork::vault:
      return pool ? VaultLimit::key_transactions : VaultLimit::vault_transactions;
    case VaultWork::protect:
    case VaultWork::open:
    case VaultWork::key:
      break;
  }
  return VaultLimit::key_transactions;
}

}  // namespace

PublishedLimit published_limit(AzureKind kind, VaultLimit limit) {
  bool const pool = kind == AzureKind::managed_hsm;
  switch (limit) {
    case VaultLimit::creations:
      return pool ? pool_creations : vault_creations;
    case VaultLimit::imports:
      return pool ? pool_creations : vault_imports;
    case VaultLimit::removals:
      return pool ? pool_removals : vault_keys;
    case VaultLimit::key_transactions:
      return pool ? pool_keys : vault_keys;
    case VaultLimit::vault_transactions:
      break;
  }
  return pool ? pool_keys : vault_others;
}

std::optional<PublishedLimit> published_region_limit(AzureKind kind, VaultLimit limit) {
  if (kind == AzureKind::managed_hsm) return std::nullopt;
  PublishedLimit of_all = published_limit(kind, limit);
  of_all.units *= vaults_of_a_subscription;
  of_all.refill *= vaults_of_a_subscription;
  return of_all;
}

VaultDemand vault_demand(AzureKind kind, VaultWork work, std::optional<KeyType> const& type) {
  VaultDemand demand{limit_of(kind, work), 1};
  KeyType const known = type.value_or(work == VaultWork::key ? ordinary : heaviest);
  bool const pool = kind == AzureKind::managed_hsm;
  if (demand.limit == VaultLimit::creations && !pool && known.protection == Protection::hsm) demand.units = 2;
  if (demand.limit == VaultLimit::key_transactions) {
    demand.units =
        pool ? weight(pool_keys, pool_allows(work, known)) : weight(vault_keys, vault_allows(known));
  }
  return demand;
}

PublishedLimit published_limit(ArmVerb verb) { return verb == ArmVerb::read ? arm_reads : arm_writes; }

std::vector<PublishedLimit> published_limits(ArmWork work) {
  switch (work) {
    case ArmWork::set_read:
      return {set_reads};
    case ArmWork::set_change:
      return {set_changes, set_changes_for_long};
    case ArmWork::machine_read:
      return {machine_reads};
    case ArmWork::machine_list:
      return {machine_lists};
    case ArmWork::machine_change:
      return {machine_changes};
    case ArmWork::operation:
      return {operation_reads};
    case ArmWork::other:
      break;
  }
  return {};
}

std::optional<PublishedLimit> published_resource_limit(ArmWork work) {
  if (work == ArmWork::machine_read) return one_machines_reads;
  if (work == ArmWork::machine_change) return one_machines_changes;
  if (work == ArmWork::operation) return one_operations_reads;
  return std::nullopt;
}

}  // namespace rekeyd::providers::azure
