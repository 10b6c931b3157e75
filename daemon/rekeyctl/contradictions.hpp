#pragma once
#include "config/diagnostic.hpp"
#include "daemon/control/report.hpp"

#include <vector>

namespace rekeyd::rekeyctl {

/// What `policies` say that cannot hold for these keys, as mistakes at the policy (or exception) that
/// decides: keys that their provider rotates by a rule of its own, and an enforcing policy of ours.
std::vector<config::Diagnostic> contradictions(PolicySet const& policies,
                                               std::vector<daemon::KeyReport> const& keys);

}  // namespace rekeyd::rekeyctl
