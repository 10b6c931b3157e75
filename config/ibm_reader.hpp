#pragma once
#include "config/settings.hpp"
#include "config/yaml_fields.hpp"

namespace rekeyd::config {

/// The fields of a provider of one of IBM's three kinds.
IbmSettings read_ibm(FieldReader& fields, ProviderKind kind, Findings& findings);

}  // namespace rekeyd::config
