#pragma once
#include "daemon/fleet.hpp"
#include "daemon/holds.hpp"
#include "policy/brakes.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>

namespace rekeyd::daemon {

/// Would a rotation of this key begin now, if nothing held it back? One that is left to the key's provider
/// begins there as soon as the provider is told to rotate by a rule under which the key is due.
bool is_due(TrackedKey const& key, PolicyMatch const& match, Instant now);

/// Keys that became due at once, otherwise than by the passing of time.
struct Storm {
  std::size_t newly_due{};
  std::size_t fleet{};                           ///< Keys known at all.
  std::map<std::string, std::size_t> by_policy;  ///< Of the newly due ones.
  std::map<std::string, std::size_t> by_provider;
  std::size_t due_before{};  ///< Keys that were due anyway.

  void add(TrackedKey const& key, AppliedPolicy const& applied);
};

/// The hold that a storm asks for, if it is one: of the one policy or provider instance that it is about, if
/// there is only one. `cause`: "this edit".
std::optional<Hold> hold_of(Storm const& storm, StormLimit limit, std::string const& cause);

/// The second half of that alone.
bool is_due_at_its_provider(TrackedKey const& key, PolicyMatch const& match, Instant now);

/// Keys within the scope that are due now, by policy: what a release of a hold lets begin.
std::map<std::string, std::size_t> due_within(Fleet const& fleet, BrakeScope const& scope, Instant now);

/// Lets go holds whose storm is over because an edit has taken it back.
void let_go_storms_taken_back(Fleet const& fleet, Holds& holds, Instant now);

}  // namespace rekeyd::daemon
