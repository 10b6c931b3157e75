#pragma once
#include "tests/simulator/ibm/call.hpp"
#include "tests/simulator/ibm/key.hpp"

#include <boost/json/fwd.hpp>

/// The rules of a key's own policies, shared by PUT /policies and keys_with_policy_overrides.
namespace rekeyd::sim::ibm {

/// {"enabled"?, "interval_month"?}
struct RotationWish {
  bool enabled{true};
  std::optional<int> interval_month{};
};
Granted<RotationWish> rotation_wish(boost::json::object const& rotation);
/// {"enabled"}
Granted<bool> dual_auth_wish(boost::json::object const& dual_auth);

/// interval_month in 1..12, or 400 INVALID_FIELD_ERR.
Granted<std::optional<int>> interval_month(boost::json::object const& object);

/// Puts the wish on a root key that the service made itself; keeps a stored interval that the wish leaves
/// out.
std::optional<Refusal> set_rotation_policy(Key& key, RotationWish const& wish, Stamp const& stamp,
                                           Randomness& random);
/// Once on, dual authorization cannot be turned off.
std::optional<Refusal> set_dual_auth(Key& key, bool enabled, Stamp const& stamp, Randomness& random);

}  // namespace rekeyd::sim::ibm
