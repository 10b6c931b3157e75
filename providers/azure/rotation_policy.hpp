#pragma once
#include "policy/error.hpp"
#include "policy/key.hpp"
#include "providers/secret.hpp"

#include <string>
#include <string_view>

namespace rekeyd::providers::azure {

/// A key's rotation policy at the service, as far as it matters to us.
struct RotationPolicyView {
  /// There is something in it. Putting a policy without actions and without expiry is how one is removed
  /// (managed-hsm/key-rotation.md), so an empty one is none.
  bool exists{false};
  ProviderRotation rotation;  ///< The Rotate action, if there is one.
  std::string expiry_time;    ///< ISO 8601 duration that new versions expire after, or empty.
};

Result<RotationPolicyView> parse_rotation_policy(std::string_view body, std::string const& where);

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
