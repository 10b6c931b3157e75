#pragma once
#include "config/load.hpp"
#include "config/yaml_fields.hpp"

namespace rekeyd::config {

/// The map `credentials` of an Azure provider: exactly one kind of credential, and who it belongs to. A
/// workload identity's fields that are left out come from the environment, where Kubernetes puts them:
/// AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_FEDERATED_TOKEN_FILE. No other kind looks there.
EntraCredentials read_entra_credentials(Given const& given, AzureCloud const& cloud,
                                        Environment const& environment, Findings& findings);

}  // namespace rekeyd::config
