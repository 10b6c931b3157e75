#pragma once
#include "config/yaml_fields.hpp"

#include <map>
#include <optional>
#include <string>

namespace rekeyd::config {

/// `api_version`: of Key Vault's REST interface.
std::optional<std::string> vault_api_version_of(Given const& given, Findings& findings);

/// `resource_api_versions`: Azure Resource Manager's type of resource, in lower case → version. Types that
/// are left out keep the version that rekeyd was made with.
std::map<std::string, std::string> resource_api_versions_of(Given const& given, Findings& findings);

}  // namespace rekeyd::config
