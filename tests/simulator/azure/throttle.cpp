#include "tests/simulator/azure/throttle.hpp"

#include <algorithm>

namespace rekeyd::sim::azure {

namespace {

/// Transactions in ten seconds that Key Vault's service limits allow. All that is asked of keys, reading them
/// included, is one sum in which heavier keys weigh more.
double vault_allowance(Work work, KeyShape const& shape) {
  if (work == Work::create) return shape.hsm ? 10 : 20;
  if (work == Work::import) return 300;
  if (work == Work::list) return 4000;
  double const software = shape.type != KeyType::rsa || shape.bits == 2048 ? 4000
                          : shape.bits == 3072                             ? 1000
                                                                           : 500;
  return shape.hsm ? software / 2 : software;
}

/// Requests a second, from Managed HSM's scaling guidance.
double hsm_allowance(Work work, KeyShape const& shape) {
  bool const rsa = shape.type == KeyType::rsa;
  switch (work) {
    case Work::create:
    case Work::import:
      return 1;
    case Work::remove:
      return 10;
    case Work::protect:
      return !rsa ? 2100 : shape.bits == 2048 ? 2200 : 1900;
    case Work::open:
      if (!rsa) return shape.bits == 256 ? 2200 : shape.bits == 192 ? 1900 : 1800;
      return shape.bits == 2048 ? 1100 : shape.bits == 3072 ? 360 : 160;
    case Work::read:
    case Work::list:
      break;
  }
  return 1100;
}

}  // namespace

std::chrono::seconds Throttle::length() const {
  return std::chrono::seconds(kind_ == VaultKind::managed_hsm ? 1 : 10);
}

Throttle::Row Throttle::row_of(Work work) const {
  bool const hsm = kind_ == VaultKind::managed_hsm;
  if (work == Work::create) return Row::creations;
  if (work == Work::import) return hsm ? Row::creations : Row::imports;
  if (!hsm) return work == Work::list ? Row::vault : Row::keys;
  if (work == Work::remove) return Row::removals;
  if (work == Work::protect) return Row::protecting;
  return work == Work::open ? Row::opening : Row::vault;
}

bool Throttle::still_counts(Instant used, Instant now) const {
  if (windows_ == Windows::sliding) return used > now - length();
  return used >= now - now.time_since_epoch() % length();
}

bool Throttle::allows(Work work, KeyShape const& shape, Instant now) {
  double const allowed =
      kind_ == VaultKind::managed_hsm ? hsm_allowance(work, shape) : vault_allowance(work, shape);
  Used& used = used_[row_of(work)];
  while (!used.empty() && !still_counts(used.front().first, now)) used.pop_front();
  if (used.empty() || used.back().first < now) used.emplace_back(now, 0.0);
  used.back().second += 1 / (allowed * vaults_);
  double sum = 0;
  for (auto const& [second, share] : used) sum += share;
  constexpr double rounding = 1e-9;
  return sum <= 1 + rounding;
}

}  // namespace rekeyd::sim::azure
