#pragma once
#include "tests/simulator/ibm/flavour.hpp"
#include "tests/simulator/ibm/key.hpp"
#include "tests/simulator/ibm/refusal.hpp"

#include <optional>

namespace rekeyd::sim::ibm {

enum class Action { rotate, wrap, unwrap, rewrap, disable, enable, destroy, restore, sync };

/// Which action is legal in which state: the table of the service's key-states page.
bool is_legal(Action action, KeyState state, Flavour const& flavour);

/// What keeps the action from this key, if anything: a standard key, a deleted one, or another wrong state.
std::optional<Refusal> objection(Action action, Key const& key, Flavour const& flavour);

}  // namespace rekeyd::sim::ibm
