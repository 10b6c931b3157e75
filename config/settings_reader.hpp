#pragma once
#include "config/load.hpp"
#include "config/yaml_fields.hpp"

namespace rekeyd::config {

/// rekeyd.yaml as values; good for use only if there is no error among the findings.
Settings read_settings(YamlValue const& root, std::filesystem::path const& folder,
                       Environment const& environment, Findings& findings);

}  // namespace rekeyd::config
