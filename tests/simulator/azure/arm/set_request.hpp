#pragma once
#include "tests/simulator/azure/arm/set_change.hpp"

#include <boost/json/fwd.hpp>

#include <expected>

namespace rekeyd::sim::azure::arm {

/// What the body of a PATCH of a disk encryption set asks for; members that a PATCH does not have are
/// refused.
std::expected<SetChange, Objection> parse_patch(boost::json::object const& body);
/// Of a PUT, which gives the whole set: what is left out becomes as if never given. Read-only members, which
/// clients send back as they read them, count for nothing.
std::expected<SetChange, Objection> parse_put(boost::json::object const& body);

}  // namespace rekeyd::sim::azure::arm
