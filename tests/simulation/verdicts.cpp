#include "tests/simulation/verdicts.hpp"

namespace rekeyd::simulation {

char const* to_text(Invariant invariant) {
  switch (invariant) {
    case Invariant::due_dates:
      return "no due date makes two key versions, and none is skipped while the provider is in reach";
    case Invariant::version_history:
      return "every provider version is in history once, with who made it";
    case Invariant::wrapped_deks:
      return "every WDEK unwraps to its own DEK at all times, and ends on the current version";
    case Invariant::stopped_vms:
      return "no VM that we stopped stays stopped, and none that was stopped is started";
    case Invariant::retirement:
      return "no version is retired while anything is on it, and nothing is ever deleted";
    case Invariant::restraint:
      return "never two rotations of one key at once, never over a provider's floor or our brakes";
    case Invariant::sound_storage:
      return "the history chain verifies and the database is sound after every crash";
    case Invariant::steady_dates:
      return "a key's next due date never moves by itself";
    case Invariant::one_owner:
      return "no daemon acts on a state directory that another one owns";
    case Invariant::endings:
      return "a rotation ends; nothing spins, nothing leaks";
  }
  return "?";
}

}  // namespace rekeyd::simulation
