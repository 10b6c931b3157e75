#pragma once
#include "config/settings.hpp"
#include "config/yaml_fields.hpp"

namespace rekeyd::config {

/// `material_sources:` of rekeyd.yaml. Relative folders are taken from `folder`.
std::vector<MaterialSourceSettings> read_material_sources(Given const& given,
                                                          std::filesystem::path const& folder,
                                                          Findings& findings);

}  // namespace rekeyd::config
