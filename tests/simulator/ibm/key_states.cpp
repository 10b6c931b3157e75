#include "tests/simulator/ibm/key_states.hpp"

namespace rekeyd::sim::ibm {

namespace {

struct States {
  bool active, suspended, deactivated, destroyed;
};

States legal_states(Action action, Flavour const& flavour) {
  switch (action) {
    case Action::rotate:
      return {true, false, flavour.rotates_deactivated, false};
    case Action::wrap:
    case Action::disable:
      return {true, false, false, false};
    case Action::unwrap:
    case Action::rewrap:
      return {true, false, true, false};
    case Action::enable:
      return {false, true, false, false};
    case Action::destroy:
      return {true, true, true, false};
    case Action::restore:
      return {false, false, false, true};
    case Action::sync:
      return {true, true, true, true};
  }
  return {};
}

// Deleting and restoring are for keys of both kinds.
bool needs_root_key(Action action) { return action != Action::destroy && action != Action::restore; }

}  // namespace

bool is_legal(Action action, KeyState state, Flavour const& flavour) {
  auto const legal = legal_states(action, flavour);
  switch (state) {
    case KeyState::active:
      return legal.active;
    case KeyState::suspended:
      return legal.suspended;
    case KeyState::deactivated:
      return legal.deactivated;
    case KeyState::destroyed:
      return legal.destroyed;
  }
  return false;
}

std::optional<Refusal> objection(Action action, Key const& key, Flavour const& flavour) {
  if (key.extractable && needs_root_key(action)) return refuse_standard_key().error();
  if (is_legal(action, key.state, flavour)) return std::nullopt;
  if (key.state == KeyState::destroyed) return refuse_deleted_key().error();
  return refuse_state().error();
}

}  // namespace rekeyd::sim::ibm
