#pragma once
#include <string>

namespace rekeyd::sim::azure {

/// The n-th of `last` names: "{n}" is the number, in as many digits as the last one has.
std::string numbered(std::string name, long number, long last);

}  // namespace rekeyd::sim::azure
