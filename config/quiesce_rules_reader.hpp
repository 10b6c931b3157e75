#pragma once
#include "config/yaml_fields.hpp"
#include "policy/quiesce_rules.hpp"

namespace rekeyd::config {

/// `confidential_vms: { stop: true, at_once: 10, downtime_max: 30 minutes, order: [{ role: app }] }`
QuiesceRules quiesce_rules_of(Given const& given, Findings& findings);

}  // namespace rekeyd::config
