#pragma once
#include "daemon/fleet.hpp"
#include "daemon/world.hpp"

#include <string>
#include <vector>

/// What shows only when the policies in force are held against the keys that there are. That a policy
/// concerns no key: a mistyped name looks just like this, and whoever wrote it believes that a stricter rule
/// is at work; nothing of that is told before every provider has been looked through once. And keys of two
/// rotators. Each is one line with its place, as `rekeyctl check` tells findings.
namespace rekeyd::daemon {

/// Exceptions (`keys:`) that decide for none of their policy's keys.
std::vector<std::string> unused_exceptions(World const& world, Fleet const& fleet);

/// Keys that their provider rotates by a rule of its own while an enforcing policy wants rekeyd to: how many,
/// and which. A line for each policy (or exception) that says so.
std::vector<std::string> two_rotators(Fleet const& fleet);

/// Policies that decide for no key.
std::vector<std::string> unused_policies(World const& world, Fleet const& fleet);

}  // namespace rekeyd::daemon
