#pragma once
#include "config/yaml_fields.hpp"
#include "policy/brakes.hpp"

namespace rekeyd::config {

/// `rotations` of a provider entry or a policy; the defaults if it is absent.
RotationLimits rotation_limits_of(Given const& given, Findings& findings);

}  // namespace rekeyd::config
