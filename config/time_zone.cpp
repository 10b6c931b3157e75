#include "config/time_zone.hpp"

#include "config/near_word.hpp"

#include <fmt/format.h>

#include <stdexcept>
#include <vector>

namespace rekeyd::config {

namespace {

/// Files of the database that are not places: the machine's own zone, which may change under us, and fillers.
bool is_place(std::string const& name) {
  return name != "localtime" && name != "posixrules" && name != "Factory";
}

std::vector<std::string> zone_names() {
  std::vector<std::string> names;
  for (date::time_zone const& zone : date::get_tzdb().zones) {
    if (is_place(zone.name())) names.push_back(zone.name());
  }
  return names;
}

std::string hint_for(std::string const& name) {
  if (name == "local" || !is_place(name)) return "name the zone: the machine's own may change under us";
  std::string const near = did_you_mean(name, zone_names());
  return near.empty() ? "write an IANA name such as Europe/Berlin, America/New_York or UTC" : near;
}

}  // namespace

std::expected<Zone, Complaint> find_time_zone(std::string const& name) {
  try {
    date::get_tzdb();
  } catch (std::exception const&) {
    return std::unexpected(
        Complaint{"zone", "the system's time zone database cannot be read", "install the package tzdata"});
  }
  try {
    Zone const zone = is_place(name) ? date::locate_zone(name) : throw std::runtime_error(name);
    // A zone's rules are read at the first question. Asked here, a broken file is found here.
    zone->get_info(date::sys_seconds{});
    return zone;
  } catch (std::exception const&) {
    return std::unexpected(
        Complaint{"zone", fmt::format("there is no time zone '{}'", name), hint_for(name)});
  }
}

}  // namespace rekeyd::config
