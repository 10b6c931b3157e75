#pragma once
#include "config/settings.hpp"
#include "config/yaml_fields.hpp"

namespace rekeyd::config {

/// `resources:` of an Azure provider: a list of { subscription: GUID, resource_groups: [NAME, ...] }.
std::vector<AzureResourceScope> azure_resources_of(Given const& given, Findings& findings);

}  // namespace rekeyd::config
