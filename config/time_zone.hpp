#pragma once
#include "config/duration.hpp"
#include "policy/calendar.hpp"

namespace rekeyd::config {

/// The zone with exactly this IANA name ("Europe/Berlin"), its rules already read from the system's database.
std::expected<Zone, Complaint> find_time_zone(std::string const& name);

}  // namespace rekeyd::config
