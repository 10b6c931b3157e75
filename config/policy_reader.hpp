#pragma once
#include "config/findings.hpp"
#include "config/yaml_document.hpp"
#include "policy/rotation_policy.hpp"

#include <vector>

namespace rekeyd::config {

/// One policy file. If there are errors among the findings, the policies are as complete as they can be, good
/// for comparing names and selectors across files and for nothing else.
std::vector<RotationPolicy> read_policies(YamlValue const& root, Findings& findings);

}  // namespace rekeyd::config
