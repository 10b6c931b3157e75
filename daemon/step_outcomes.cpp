#include "daemon/step_outcomes.hpp"

#include <string>
#include <utility>

namespace rekeyd::daemon {

namespace {

int gravity(StepOutcome const& outcome) {
  if (std::holds_alternative<StepBlocked>(outcome)) return 3;
  return std::holds_alternative<StepAgain>(outcome) ? 2 : 1;
}

}  // namespace

StepOutcome outcome_of(Error error) {
  if (error.error_class != ErrorClass::permanent) return StepAgain{std::move(error)};
  std::string reason = error.code.empty() ? "refused_by_provider" : error.code;
  return StepBlocked{std::move(reason), std::move(error)};
}

void add_graver(std::optional<StepOutcome>& to, StepOutcome outcome) {
  if (!to || gravity(outcome) > gravity(*to)) {
    to = std::move(outcome);
    return;
  }
  auto* const wait = std::get_if<StepWait>(&*to);
  auto const* const other = std::get_if<StepWait>(&outcome);
  if (wait != nullptr && other != nullptr && other->until < wait->until) *wait = *other;
}

}  // namespace rekeyd::daemon
