#pragma once
#include "policy/instant.hpp"

#include <boost/json/fwd.hpp>

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rekeyd::sim::azure {

enum class VaultKind;

/// An ISO-8601 duration as the service takes them: years, months and days ("P18M", "P1Y10D"). Months are
/// calendar months.
struct Duration {
  int months{0};
  int days{0};
  std::string text;  ///< As the client wrote it.

  Instant after(Instant from) const;
  Instant before(Instant until) const;
  /// Length from now on, for the limits.
  long days_from(Instant now) const;
};
std::optional<Duration> parse_duration(std::string_view text);

struct LifetimeAction {
  bool rotate{false};  ///< Else notify.
  std::optional<Duration> after_create;
  std::optional<Duration> before_expiry;
};

struct RotationPolicy {
  std::vector<LifetimeAction> actions;
  std::optional<Duration> expiry_time;  ///< For new versions: exp = created + this.
  Instant created;
  Instant updated;

  LifetimeAction const* rotate_action() const;
  /// When the service itself rotates a version made at `version_created`; nothing when it does not.
  std::optional<Instant> due(Instant version_created, std::optional<Instant> version_expires) const;
};

/// Reads a PUT body under the limits of that kind of vault; the error is the message for the client.
/// `expires`: of the key's newest version.
std::expected<RotationPolicy, std::string> parse_policy(boost::json::object const& body, VaultKind kind,
                                                        std::optional<Instant> expires, Instant now);
/// Nothing set: what a PUT with empty members leaves, which removes the policy.
bool is_empty(RotationPolicy const& policy);

/// The wire form without "id". Without a policy: what GET shows of a key that never had one.
boost::json::object policy_json(std::optional<RotationPolicy> const& policy, VaultKind kind);

}  // namespace rekeyd::sim::azure
