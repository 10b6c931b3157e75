#pragma once
#include "config/diagnostic.hpp"
#include "policy/rotation_policy.hpp"

#include <span>
#include <vector>

namespace rekeyd::config {

/// What can only be seen over all files: two policies of one name, two with equal selectors. Each is an error
/// at the later one that names the earlier one too.
std::vector<Diagnostic> check_policy_set(std::span<RotationPolicy const> policies);

}  // namespace rekeyd::config
