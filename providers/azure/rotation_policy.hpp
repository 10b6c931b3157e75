#pragma once
#include "policy/error.hpp"
#include "policy/key.hpp"
#include "providers/secret.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rekeyd::providers::azure {

/// One entry of `lifetimeActions`, in the service's own words. One of the two times is empty.
struct LifetimeAction {
  std::string type;  ///< "Rotate", "Notify"; ARM writes them in lower case.
  std::string after_create;
  std::string before_expiry;
};

/// A key's rotation policy at the service, as far as it matters to us.
struct RotationPolicyView {
  /// There is something in it. Putting a policy without actions and without expiry is how one is removed
  /// (managed-hsm/key-rotation.md), so an empty one is none.
  bool exists{false};
  ProviderRotation rotation;           ///< The Rotate action, if there is one.
  std::string expiry_time;             ///< ISO 8601 duration that new versions expire after, or empty.
  std::vector<LifetimeAction> others;  ///< What is not Rotate.
};

Result<RotationPolicyView> parse_rotation_policy(std::string_view body, std::string const& where);

/// "P3M": the trigger of a Rotate action that makes a new version so many calendar months after the last.
std::string rotate_trigger(Months every);

/// The body of a PUT that leaves `view` as it is, but for the Rotate action: that one becomes `every`
/// calendar months after the making of a version, or goes. Two actions of one type are refused by the
/// service, and so is a rotation too close to `expiryTime` (Key Vault: 7 days, Managed HSM: 28; lowkey-vault,
/// managed-hsm/key-rotation.md).
Body write_rotation_policy(RotationPolicyView const& view, std::optional<Months> every);

/// A policy that lets Managed HSM rotate on demand and does nothing by itself: no Rotate action (we decide
/// when), no Notify (that service has none), and, since an empty policy counts as none, an expiry for new
/// versions that changes as little as can be: the same lifetime again if the current version has an expiry
/// (never under the service's least, 28 days), else ten years, which is far beyond the longest cryptoperiod.
struct NeutralRotationPolicy {
  std::string expiry_time;
  Body body;
};
NeutralRotationPolicy neutral_rotation_policy(std::optional<std::chrono::seconds> lifetime);

/// An expiry at least this far ahead counts as none when a new version is compared with one that had none.
inline constexpr std::chrono::days negligible_expiry{5 * 365};

}  // namespace rekeyd::providers::azure
