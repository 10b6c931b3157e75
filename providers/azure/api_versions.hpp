#pragma once
#include <map>
#include <string>
#include <string_view>

/// Each type of resource at Azure Resource Manager has API versions of its own.
namespace rekeyd::providers::azure {

/// Type in lower case ("microsoft.compute/diskencryptionsets") → the version that the operator wants.
using ArmApiVersions = std::map<std::string, std::string, std::less<>>;

/// The version for a path: the wanted one of its type, else `usual`.
std::string api_version_for(std::string_view path, std::string_view usual, ArmApiVersions const& wanted);

/// " (api-version 2023-10-02)" of a target that names one, else nothing: for errors about answers.
std::string asked_version_words(std::string_view target);

}  // namespace rekeyd::providers::azure
