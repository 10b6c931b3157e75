#pragma once
#include "daemon/fleet.hpp"
#include "daemon/world.hpp"

#include <string>
#include <vector>

/// What the policies in force say that concerns no key: a mistyped name looks just like this, and whoever
/// wrote it believes that a stricter rule is at work. Nothing is told before every provider has been looked
/// through once. Each is one line with its place, as `rekeyctl check` tells findings.
namespace rekeyd::daemon {

/// Exceptions (`keys:`) that decide for none of their policy's keys.
std::vector<std::string> unused_exceptions(World const& world, Fleet const& fleet);

/// Policies that decide for no key.
std::vector<std::string> unused_policies(World const& world, Fleet const& fleet);

}  // namespace rekeyd::daemon
