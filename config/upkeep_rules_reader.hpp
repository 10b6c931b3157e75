#pragma once
#include "config/yaml_fields.hpp"
#include "policy/rotation_policy.hpp"

namespace rekeyd::config {

/// `versions_expire_after: 18 months`, `retire: { after: 90 days, by: expiry }`, `tag_rotations: true`.
UpkeepRules upkeep_rules_of(FieldReader& policy, Findings& findings);

/// Whether what the policy wants kept goes together with how often its keys rotate.
void check_upkeep(RotationPolicy const& policy, Position at, Findings& findings);

}  // namespace rekeyd::config
