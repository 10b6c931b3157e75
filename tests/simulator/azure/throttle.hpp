#pragma once
#include "policy/instant.hpp"
#include "tests/simulator/azure/key.hpp"

#include <map>

namespace rekeyd::sim::azure {

enum class Work {
  create,   ///< Create, rotate, import, release.
  protect,  ///< Wrap, encrypt.
  open,     ///< Unwrap, decrypt.
  remove,   ///< Delete, purge, recover.
  other,    ///< Get, list, update.
};

/// The published limits of one vault: so much work in a window of ten seconds (Key Vault) or one (Managed
/// HSM); heavier keys use up more of it.
class Throttle {
 public:
  explicit Throttle(VaultKind kind) : kind_(kind) {}
  /// Counts the work, allowed or not, and says whether it is allowed.
  bool allows(Work work, KeyShape const& shape, Instant now);

 private:
  VaultKind kind_;
  Instant window_{};
  std::map<Work, double> used_;  ///< Share of the window's allowance, 1 being all of it.
};

}  // namespace rekeyd::sim::azure
