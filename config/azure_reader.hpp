#pragma once
#include "config/load.hpp"
#include "config/yaml_fields.hpp"

namespace rekeyd::config {

/// The fields of a provider whose kind is azure-key-vault or azure-managed-hsm.
AzureSettings read_azure(FieldReader& fields, ProviderKind kind, Environment const& environment,
                         Findings& findings);

}  // namespace rekeyd::config
