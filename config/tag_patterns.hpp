#pragma once
#include "config/yaml_fields.hpp"
#include "policy/quiesce_rules.hpp"

namespace rekeyd::config {

/// `{ NAME: GLOB, ... }`: tags that have to be there, each with what its value has to match.
Tags tag_patterns_of(Given const& given, Findings& findings);

}  // namespace rekeyd::config
