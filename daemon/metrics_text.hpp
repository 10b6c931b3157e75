#pragma once
#include "daemon/control/report.hpp"

#include <string>
#include <vector>

namespace rekeyd::daemon {

/// What is told of the daemon, as metrics in Prometheus' text format 0.0.4: for a monitoring system to draw
/// and to alarm by. Names and labels are an interface (docs/metrics.md).
std::string metrics_text(StatusReport const& status, std::vector<ResourceReport> const& resources);

}  // namespace rekeyd::daemon
