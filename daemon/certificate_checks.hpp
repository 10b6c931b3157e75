#pragma once
#include "config/diagnostic.hpp"
#include "config/settings.hpp"
#include "policy/instant.hpp"

#include <vector>

namespace rekeyd::daemon {

/// What is wrong with the client certificates that the settings name by file: whatever would keep the daemon
/// from starting, one that has expired, and a warning from thirty days before it does. Files that whoever
/// asks may not read, and systemd's credentials, are passed over: they are the daemon's to look at.
std::vector<config::Diagnostic> check_certificates(config::Settings const& settings, Instant now);

}  // namespace rekeyd::daemon
