#pragma once
#include "config/findings.hpp"
#include "policy/rotation_policy.hpp"

namespace rekeyd::config {

/// Exceptions of one policy against each other and against the policy itself: two for the same pattern are an
/// error, one that can never apply is warned of.
void check_overrides(RotationPolicy const& policy, Findings& findings);

}  // namespace rekeyd::config
