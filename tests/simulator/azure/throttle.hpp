#pragma once
#include "policy/instant.hpp"
#include "tests/simulator/azure/key.hpp"

#include <chrono>
#include <deque>
#include <map>
#include <utility>

namespace rekeyd::sim::azure {

enum class Work {
  create,   ///< Create, rotate, release.
  import,   ///< Shared with creations of secrets.
  protect,  ///< Wrap, encrypt.
  open,     ///< Unwrap, decrypt.
  remove,   ///< Delete, purge, recover.
  read,     ///< Whatever else is asked of one key.
  list,     ///< What is asked of the vault.
};

/// The published limits of one vault, or of several together: so much work in ten seconds (Key Vault) or one
/// (Managed HSM); heavier keys use up more of it.
class Throttle {
 public:
  /// Where windows begin is not told. Sliding: any stretch of that length counts, the strictest reading.
  enum class Windows { sliding, fixed };

  /// `vaults`: so many times what one vault is allowed.
  explicit Throttle(VaultKind kind, Windows windows = Windows::sliding, unsigned vaults = 1)
      : kind_(kind), windows_(windows), vaults_(vaults) {}
  /// Counts the work, allowed or not, and says whether it is allowed.
  bool allows(Work work, KeyShape const& shape, Instant now);

 private:
  /// Rows of the published table; each counts for itself.
  enum class Row { creations, imports, removals, keys, opening, protecting, vault };
  /// Share of the window's allowance, 1 being all of it, by the second in which it was used.
  using Used = std::deque<std::pair<Instant, double>>;

  Row row_of(Work work) const;
  bool still_counts(Instant used, Instant now) const;
  std::chrono::seconds length() const;

  VaultKind kind_;
  Windows windows_;
  unsigned vaults_;
  std::map<Row, Used> used_;
};

}  // namespace rekeyd::sim::azure
