#include "policy/rotation.hpp"

#include "policy/words.hpp"
#include "policy/workflow.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace rekeyd {

namespace {

constexpr auto steps = words<Step>({{Step::claim, "claim"},
                                    {Step::preflight, "preflight"},
                                    {Step::rotate, "rotate"},
                                    {Step::propagate, "propagate"},
                                    {Step::quiesce, "quiesce"},
                                    {Step::change, "change"},
                                    {Step::resume, "resume"},
                                    {Step::verify, "verify"}});
constexpr auto states = words<RotationState>({{RotationState::open, "open"},
                                              {RotationState::done, "done"},
                                              {RotationState::blocked, "blocked"},
                                              {RotationState::abandoned, "abandoned"}});
constexpr auto triggers = words<Trigger>({{Trigger::cryptoperiod, "cryptoperiod"},
                                          {Trigger::request, "request"},
                                          {Trigger::drift, "drift"},
                                          {Trigger::delegated, "delegated"},
                                          {Trigger::replacement, "replacement"}});

template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};

void end_as_pending(Rotation& rotation, Instant now) {
  PendingEnd const end = *std::exchange(rotation.pending_end, std::nullopt);
  rotation.state = end.state;
  rotation.blocked_reason = end.reason;
  rotation.message = end.message;
  rotation.remedy = end.remedy;
  rotation.attempts = 0;
  rotation.next_try.reset();
  // Whoever has it tried again begins with what has to follow, not with machines that run.
  rotation.step = Step::propagate;
  rotation.at_rest.reset();
  if (end.state == RotationState::abandoned) rotation.ended = now;
}

/// Machines that stand still come first: then it ends as `end` says.
void go_to_resume(Rotation& rotation, PendingEnd end) {
  rotation.message = end.message;
  rotation.remedy = end.remedy;
  rotation.pending_end = std::move(end);
  rotation.step = Step::resume;
  rotation.attempts = 0;
  rotation.next_try.reset();
}

void block(Rotation& rotation, StepBlocked const& outcome) {
  if (holds_machines(rotation.step) && rotation.step != Step::resume) {
    go_to_resume(rotation,
                 {RotationState::blocked, outcome.reason, to_text(outcome.error), outcome.error.remedy});
    return;
  }
  rotation.state = RotationState::blocked;
  rotation.blocked_reason = outcome.reason;
  rotation.message = to_text(outcome.error);
  rotation.remedy = outcome.error.remedy;
  rotation.next_try.reset();
}

// Machines that stand still wait no longer than this for the next try.
constexpr std::chrono::seconds longest_pause_at_rest{60};

/// A failed try is kept as data: how often, when next, and the first words for a person.
void try_again(Rotation& rotation, Error const& error, Instant now) {
  // Our own stopping says nothing about the step.
  if (error.error_class != ErrorClass::cancelled) ++rotation.attempts;
  auto const most = failures_max(error.error_class);
  if (most && rotation.attempts >= *most) {
    block(rotation, {std::string(to_text(error.error_class)) + "_error", error});
    return;
  }
  rotation.message = to_text(error);
  rotation.remedy = error.remedy;
  auto pause = backoff(rotation.attempts, error);
  if (holds_machines(rotation.step)) {
    pause =
        std::max(std::min(pause, longest_pause_at_rest), error.retry_after.value_or(std::chrono::seconds(0)));
  }
  rotation.next_try = now + pause;
}

StepBlocked not_in_the_workflow(Step step) {
  Error error;
  error.error_class = ErrorClass::permanent;
  error.what = std::string("step ") + to_text(step) + " ended in a way that the workflow does not know";
  error.remedy = "this is a defect of rekeyd: report it; nothing was changed by this ending";
  return {"not_in_the_workflow", std::move(error)};
}

void go_on(Rotation& rotation, Instant now) {
  if (rotation.step == Step::resume && rotation.pending_end) {
    end_as_pending(rotation, now);
    return;
  }
  rotation.attempts = 0;
  rotation.next_try.reset();
  rotation.message.clear();
  rotation.remedy.clear();
  if (rotation.step == Step::resume) rotation.at_rest.reset();
  if (auto const next = step_after(rotation.step)) {
    rotation.step = *next;
  } else {
    rotation.state = RotationState::done;
    rotation.ended = now;
  }
}

bool known_before(Rotation const& rotation, VersionId const& id) {
  return std::ranges::find(rotation.known_versions, id) != rotation.known_versions.end();
}

/// How far two clocks of one provider may disagree: five minutes, as much as ours may with any, and one for
/// the way.
constexpr auto clock_lead_max = std::chrono::minutes(6);

/// Ours by proof (operation id), or by the journal: a request of ours went out and may have made it. One that
/// was made when no request of ours could be on its way any more is someone else's.
MadeBy maker_of(Rotation const& rotation, KeyVersion const& version) {
  if (version.operation) return *version.operation == rotation.id ? MadeBy::rekeyd : MadeBy::other;
  if (!rotation.sent) return MadeBy::other;
  bool const before = version.created + clock_lead_max < rotation.sent->first;
  bool const after = version.created > rotation.sent->last + request_life_max + clock_lead_max;
  return before || after ? MadeBy::other : MadeBy::rekeyd;
}

}  // namespace

std::optional<WantedKey> WantedKey::parse(std::string_view text) {
  auto const key = KeyRef::parse(text);
  if (!key) return std::nullopt;
  return WantedKey{key->provider, key->vault, key->id.str()};
}

KeyRef const& target_key(Rotation const& rotation) {
  return rotation.successor ? *rotation.successor : rotation.key;
}

std::optional<Step> step_after(Step step) { return rule_of(step).next; }

bool holds_machines(Step step) {
  return step == Step::quiesce || step == Step::change || step == Step::resume;
}

Rotation advance(Rotation rotation, StepOutcome const& outcome, Instant now) {
  rotation.updated = now;
  rotation.waits_for = WaitsFor::nothing;
  if (!allowed(rotation.step, outcome)) {
    block(rotation, not_in_the_workflow(rotation.step));
    return rotation;
  }
  std::visit(Overloaded{[&](StepDone const&) { go_on(rotation, now); },
                        [&](StepAgain const& again) { try_again(rotation, again.error, now); },
                        [&](StepWait const& wait) {
                          rotation.next_try = wait.until;
                          rotation.message = wait.why;
                          rotation.remedy.clear();
                          rotation.waits_for = wait.waits_for;
                        },
                        [&](StepBlocked const& blocked) { block(rotation, blocked); },
                        [&](StepAbandoned const& moot) { rotation = abandoned(rotation, moot.why, now); },
                        [&](StepBack const& back) {
                          rotation.step = back.to;
                          rotation.attempts = 0;
                          rotation.message = back.why;
                          rotation.next_try.reset();
                        },
                        [&](StepDetour const& detour) {
                          rotation.step = *rule_of(rotation.step).detour;
                          rotation.attempts = 0;
                          rotation.message = detour.why;
                          rotation.next_try.reset();
                        }},
             outcome);
  return rotation;
}

Rotation abandoned(Rotation rotation, std::string why, Instant now) {
  rotation.updated = now;
  rotation.waits_for = WaitsFor::nothing;
  if (holds_machines(rotation.step)) {
    rotation.state = RotationState::open;
    rotation.blocked_reason.clear();
    go_to_resume(rotation, {RotationState::abandoned, "", std::move(why), ""});
    return rotation;
  }
  return abandoned_as_it_stands(std::move(rotation), std::move(why), now);
}

Rotation abandoned_as_it_stands(Rotation rotation, std::string why, Instant now) {
  rotation.updated = now;
  rotation.waits_for = WaitsFor::nothing;
  rotation.pending_end.reset();
  rotation.state = RotationState::abandoned;
  rotation.message = std::move(why);
  rotation.next_try.reset();
  rotation.ended = now;
  return rotation;
}

Rotation reopened(Rotation rotation, Instant now) {
  rotation.state = RotationState::open;
  rotation.attempts = 0;
  rotation.blocked_reason.clear();
  rotation.message.clear();
  rotation.remedy.clear();
  rotation.waits_for = WaitsFor::nothing;
  rotation.next_try.reset();
  rotation.updated = now;
  return rotation;
}

std::chrono::seconds backoff(int failures, Error const& error) {
  using std::chrono::seconds;
  constexpr seconds longest = std::chrono::hours(1);
  seconds const first = error.error_class == ErrorClass::access ? seconds(300) : seconds(30);
  int const doublings = std::clamp(failures - 1, 0, 10);
  seconds const delay = std::min(longest, first * (1 << doublings));
  return std::max(delay, error.retry_after.value_or(seconds(0)));
}

std::optional<int> failures_max(ErrorClass error_class) {
  switch (error_class) {
    case ErrorClass::transient:
    case ErrorClass::storage:
    case ErrorClass::cancelled:
      return std::nullopt;
    case ErrorClass::access:
      return 6;
    case ErrorClass::conflict:
    case ErrorClass::malformed:
      return 8;
    case ErrorClass::not_found:
      return 3;
    case ErrorClass::permanent:
      return 1;
  }
  return 1;
}

RotateDecision decide_rotate(Rotation const& rotation, std::span<KeyVersion const> versions,
                             std::chrono::seconds visibility_lag, Instant now) {
  // Ours first, wherever it stands, by proof before the journal; else the newest that was not there: someone
  // rotated in our stead.
  for (bool const proved : {true, false}) {
    for (KeyVersion const& version : versions) {
      bool const ours =
          proved ? version.operation == rotation.id : maker_of(rotation, version) == MadeBy::rekeyd;
      if (ours && !known_before(rotation, version.id)) return AdoptVersion{version, MadeBy::rekeyd};
    }
  }
  if (!versions.empty() && !known_before(rotation, versions.back().id)) {
    return AdoptVersion{versions.back(), MadeBy::other};
  }
  if (rotation.sent) {
    Instant const settled = rotation.sent->last + request_life_max + visibility_lag;
    if (now < settled) return LookAgain{settled};
  }
  return SendRotate{};
}

char const* to_text(Step step) { return steps.word(step); }
char const* to_text(RotationState state) { return states.word(state); }
char const* to_text(Trigger trigger) { return triggers.word(trigger); }
std::optional<Step> parse_step(std::string_view text) { return steps.value(text); }
std::optional<RotationState> parse_rotation_state(std::string_view text) { return states.value(text); }
std::optional<Trigger> parse_trigger(std::string_view text) { return triggers.value(text); }

}  // namespace rekeyd
