#include "tests/simulator/azure/throttle.hpp"

namespace rekeyd::sim::azure {

namespace {

/// Transactions in ten seconds that Key Vault's service limits allow.
double vault_allowance(Work work, KeyShape const& shape) {
  if (work == Work::create) return shape.hsm ? 10 : 20;
  if (work == Work::other || work == Work::remove) return 4000;
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
      return 1;
    case Work::remove:
      return 10;
    case Work::protect:
      return !rsa ? 2100 : shape.bits == 2048 ? 2200 : 1900;
    case Work::open:
      return !rsa ? 1800 : shape.bits == 2048 ? 1100 : shape.bits == 3072 ? 360 : 160;
    case Work::other:
      break;
  }
  return 1100;
}

}  // namespace

bool Throttle::allows(Work work, KeyShape const& shape, Instant now) {
  bool const hsm = kind_ == VaultKind::managed_hsm;
  auto const length = hsm ? std::chrono::seconds(1) : std::chrono::seconds(10);
  Instant const window = now - now.time_since_epoch() % length;
  if (window != window_) {
    window_ = window;
    used_.clear();
  }
  // A vault has one allowance for all that is not a creation of keys with key operations in it.
  Work const bucket = !hsm && work == Work::open ? Work::protect : work;
  double& used = used_[bucket];
  used += 1 / (hsm ? hsm_allowance(work, shape) : vault_allowance(work, shape));
  constexpr double rounding = 1e-9;
  return used <= 1 + rounding;
}

}  // namespace rekeyd::sim::azure
