#pragma once
#include "config/settings.hpp"
#include "daemon/fleet.hpp"

#include <string>
#include <vector>

namespace rekeyd::daemon {

/// A warning for each provider entry whose service is shut down, with the keys that still live there.
std::vector<std::string> ending_services(config::Settings const& settings, Fleet const& fleet);

}  // namespace rekeyd::daemon
