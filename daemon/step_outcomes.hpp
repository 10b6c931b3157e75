#pragma once
#include "policy/rotation.hpp"

#include <optional>

namespace rekeyd::daemon {

/// A failed reading or call as a step's ending: what will never work blocks, the rest is tried again.
StepOutcome outcome_of(Error error);

/// Keeps the graver of two endings of things that were done side by side: what a person has to mend comes
/// before what is tried again, and that before what only has to be waited for; of two waits the shorter.
void add_graver(std::optional<StepOutcome>& to, StepOutcome outcome);

}  // namespace rekeyd::daemon
