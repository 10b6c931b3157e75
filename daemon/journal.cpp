#include "daemon/journal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rekeyd::daemon {

namespace asio = boost::asio;

namespace {

template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};

struct OutcomeWords {
  char const* word;
  EventKind kind;
  EventOutcome outcome;
};

OutcomeWords words_of(StepOutcome const& outcome) {
  return std::visit(
      Overloaded{
          [](StepDone const&) { return OutcomeWords{"done", EventKind::step_done, EventOutcome::ok}; },
          [](StepAgain const&) {
            return OutcomeWords{"again", EventKind::step_failed, EventOutcome::failed};
          },
          [](StepWait const&) { return OutcomeWords{"wait", EventKind::step_waiting, EventOutcome::held}; },
          [](StepBlocked const&) {
            return OutcomeWords{"blocked", EventKind::step_failed, EventOutcome::failed};
          },
          [](StepAbandoned const&) {
            return OutcomeWords{"abandoned", EventKind::step_done, EventOutcome::held};
          },
          [](StepBack const&) { return OutcomeWords{"back", EventKind::step_done, EventOutcome::ok}; },
          [](StepDetour const&) { return OutcomeWords{"detour", EventKind::step_done, EventOutcome::ok}; },
      },
      outcome);
}

Error const* error_of(StepOutcome const& outcome) {
  if (auto const* again = std::get_if<StepAgain>(&outcome)) return &again->error;
  if (auto const* blocked = std::get_if<StepBlocked>(&outcome)) return &blocked->error;
  return nullptr;
}

HistoryEvent outcome_event(Rotation const& after, Step step, StepOutcome const& outcome, Instant at) {
  OutcomeWords const words = words_of(outcome);
  std::string const sentence = after.message.empty()
                                   ? fmt::format("step {} {}", to_text(step), words.word)
                                   : fmt::format("step {} {}: {}", to_text(step), words.word, after.message);
  HistoryEvent event = event_of(after, words.kind, sentence, at);
  event.step = to_text(step);
  event.outcome = words.outcome;
  if (Error const* error = error_of(outcome)) {
    event.error_code = error->code;
    event.request_id = error->request_id;
    event.version = after.new_version;
    event.details["error_class"] = to_text(error->error_class);
    event.details["delivery"] = to_text(error->delivery);
    if (!error->remedy.empty()) event.details["remedy"] = error->remedy;
  }
  if (after.next_try) event.details["next_try"] = to_rfc3339(*after.next_try);
  return event;
}

/// What ends with the rotation itself, if this step ended it.
std::optional<HistoryEvent> ending_event(Rotation const& after, Instant at) {
  switch (after.state) {
    case RotationState::open:
      return std::nullopt;
    case RotationState::done: {
      HistoryEvent event = event_of(after, EventKind::rotation_done, "rotation done", at);
      event.version = after.new_version;
      return event;
    }
    case RotationState::blocked: {
      HistoryEvent event = event_of(after, EventKind::rotation_blocked, after.message, at);
      event.outcome = EventOutcome::failed;
      event.details["reason"] = after.blocked_reason;
      if (!after.remedy.empty()) event.details["remedy"] = after.remedy;
      return event;
    }
    case RotationState::abandoned: {
      HistoryEvent event = event_of(after, EventKind::rotation_abandoned, after.message, at);
      event.outcome = EventOutcome::held;
      return event;
    }
  }
  return std::nullopt;
}

}  // namespace

HistoryEvent event_of(Rotation const& rotation, EventKind kind, std::string sentence, Instant at) {
  HistoryEvent event;
  event.at = at;
  event.kind = kind;
  event.key = rotation.key;
  event.policy = rotation.policy;
  event.rotation = rotation.id;
  event.actor = "rekeyd";
  event.sentence = std::move(sentence);
  return event;
}

void add_evidence(HistoryEvent& event, providers::Evidence const& evidence) {
  if (!evidence.request_id.empty()) event.request_id = evidence.request_id;
  if (!evidence.operation.empty()) event.details["operation"] = evidence.operation;
  if (!evidence.correlation_id.empty()) event.details["correlation_id"] = evidence.correlation_id;
  if (evidence.date) event.details["provider_date"] = to_rfc3339(*evidence.date);
  for (auto const& [name, note] : evidence.notes) event.details[name] = note;
}

void Journal::add_opening(Rotation const& rotation, storage::Change& change) {
  change.rotations.push_back(rotation);
  HistoryEvent event =
      event_of(rotation, EventKind::rotation_opened, "rotation opened: " + rotation.reason, rotation.opened);
  event.actor = rotation.requested_by;
  event.version = rotation.base_version;
  event.details["trigger"] = to_text(rotation.trigger);
  if (rotation.successor) event.details["successor"] = rotation.successor->text();
  if (rotation.wanted) event.details["successor_wanted"] = rotation.wanted->text();
  if (rotation.due) event.details["due"] = to_rfc3339(*rotation.due);
  change.events.push_back(std::move(event));
}

Result<void> Journal::open(Rotation const& rotation) {
  storage::Change change;
  add_opening(rotation, change);
  return world_.store.commit(change);
}

Result<int> Journal::next_attempt(Rotation const& rotation) {
  auto known = tries_.find(rotation.id);
  if (known == tries_.end()) {
    auto const earlier = world_.store.steps(rotation.id);
    if (!earlier) return std::unexpected(earlier.error());
    known = tries_.emplace(rotation.id, std::map<Step, int>()).first;
    for (storage::StepRecord const& record : *earlier) ++known->second[record.step];
  }
  return known->second[rotation.step] + 1;
}

void Journal::intent_is_durable(storage::StepRecord const& record) {
  tries_[record.rotation][record.step] = record.attempt;
}

Result<storage::StepRecord> Journal::add_intent(Rotation const& rotation, storage::Change& change) {
  Result<int> const attempt = next_attempt(rotation);
  if (!attempt) return std::unexpected(attempt.error());
  storage::StepRecord record;
  record.rotation = rotation.id;
  record.step = rotation.step;
  record.attempt = *attempt;
  record.intended_at = world_.clock.wall_now();
  change.steps.push_back(record);
  HistoryEvent event = event_of(rotation, EventKind::step_intended,
                                fmt::format("step {} intended", to_text(rotation.step)), record.intended_at);
  event.step = to_text(rotation.step);
  change.events.push_back(std::move(event));
  return record;
}

void Journal::add_outcome(storage::StepRecord record, Rotation const& after, StepOutcome const& outcome,
                          storage::Change& change) {
  Instant const now = world_.clock.wall_now();
  record.ended_at = now;
  record.outcome = words_of(outcome).word;
  record.message = after.message;
  change.rotations.push_back(after);
  change.events.push_back(outcome_event(after, record.step, outcome, now));
  if (auto ending = ending_event(after, now)) change.events.push_back(*std::move(ending));
  change.steps.push_back(std::move(record));
}

asio::awaitable<Result<storage::StepRecord>> Journal::open_and_intend(Rotation rotation) {
  storage::Change change;
  add_opening(rotation, change);
  tries_[rotation.id];  // A new one: there is nothing to be read.
  Result<storage::StepRecord> record = add_intent(rotation, change);
  Result<void> const written = co_await group_.commit(std::move(change));
  if (!written) tries_.erase(rotation.id);
  if (!written) co_return std::unexpected(written.error());
  intent_is_durable(*record);
  co_return record;
}

asio::awaitable<Result<storage::StepRecord>> Journal::intend(Rotation rotation) {
  storage::Change change;
  change.rotations.push_back(rotation);
  Result<storage::StepRecord> record = add_intent(rotation, change);
  if (!record) co_return record;
  Result<void> const written = co_await group_.commit(std::move(change));
  if (!written) co_return std::unexpected(written.error());
  intent_is_durable(*record);
  co_return record;
}

asio::awaitable<Result<void>> Journal::keep(Rotation rotation, std::optional<HistoryEvent> event) {
  storage::Change change;
  if (event) change.events.push_back(*std::move(event));
  change.rotations.push_back(std::move(rotation));
  return group_.commit(std::move(change));
}

asio::awaitable<Result<std::optional<storage::StepRecord>>> Journal::settle(
    storage::StepRecord record, Rotation after, StepOutcome outcome, storage::Change facts,
    std::optional<Rotation> follower, bool then_next) {
  add_outcome(std::move(record), after, outcome, facts);
  if (follower) add_opening(*follower, facts);
  std::optional<storage::StepRecord> next;
  if (then_next) {
    Result<storage::StepRecord> intended = add_intent(after, facts);
    if (!intended) co_return std::unexpected(intended.error());
    next = *std::move(intended);
  }
  Result<void> const written = co_await group_.commit(std::move(facts));
  if (!written) co_return std::unexpected(written.error());
  if (next) intent_is_durable(*next);
  if (after.state != RotationState::open) tries_.erase(after.id);
  co_return next;
}

Result<void> Journal::decided(Rotation const& after, std::string const& caller, std::string const& sentence,
                              storage::Change change) {
  Instant const now = world_.clock.wall_now();
  change.rotations.push_back(after);
  HistoryEvent event = event_of(after, EventKind::requested, sentence, now);
  event.actor = caller;
  change.events.push_back(std::move(event));
  if (auto ending = ending_event(after, now)) {
    ending->actor = caller;
    change.events.push_back(*std::move(ending));
  }
  Result<void> written = world_.store.commit(change);
  if (written && after.state != RotationState::open) tries_.erase(after.id);
  return written;
}

}  // namespace rekeyd::daemon
