#pragma once
#include "daemon/control/json_members.hpp"

#include <string>

namespace rekeyd::daemon {

/// The member 'reason' of a request: why a person asks. Throws Malformed if it says nothing or too much.
std::string read_reason(Members const& members);

}  // namespace rekeyd::daemon
