#pragma once
#include "config/findings.hpp"
#include "config/ibm_credentials.hpp"
#include "config/yaml_fields.hpp"

namespace rekeyd::config {

/// The map `credentials` of one of IBM's kinds.
IbmCredentials read_ibm_credentials(Given given, Findings& findings);

}  // namespace rekeyd::config
