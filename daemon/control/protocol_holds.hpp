#pragma once
#include "daemon/control/json_members.hpp"
#include "daemon/control/report.hpp"

/// Holds as they stand in several documents. Included by protocol_*.cpp only.
namespace rekeyd::daemon {

boost::json::object write_hold(HoldReport const& hold);
HoldReport read_hold(Members const& members);

}  // namespace rekeyd::daemon
