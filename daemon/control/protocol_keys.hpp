#pragma once
#include "daemon/control/json_members.hpp"
#include "daemon/control/report.hpp"

/// The parts of documents that tell of keys and rotations. Included by protocol_*.cpp only.
namespace rekeyd::daemon {

boost::json::object write_rotation(Rotation const& rotation);
Rotation read_rotation(Members const& members);
boost::json::object write_key(KeyReport const& key);
KeyReport read_key(Members const& members);

}  // namespace rekeyd::daemon
