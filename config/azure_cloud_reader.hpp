#pragma once
#include "config/azure_cloud.hpp"
#include "config/yaml_fields.hpp"

namespace rekeyd::config {

/// `cloud: us-government`, or a map that names one and changes parts of it: an air-gapped cloud, a model on
/// loopback. Absent: the public cloud.
AzureCloud read_azure_cloud(Given const& given, Findings& findings);

/// A mistake if the authority is another of the clouds' own.
void check_authority(std::string const& authority, Given const& given, AzureCloud const& cloud,
                     Findings& findings);

/// A mistake unless the vault's host lies below `domain`: no token of this cloud would ever be good there.
void check_vault_host(std::string const& host, std::string const& domain, Given const& given,
                      AzureCloud const& cloud, Findings& findings);

}  // namespace rekeyd::config
