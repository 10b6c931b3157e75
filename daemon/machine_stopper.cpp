#include "daemon/machine_stopper.hpp"

#include "daemon/journal.hpp"
#include "daemon/machine_course.hpp"
#include "daemon/provider_time.hpp"
#include "daemon/step_outcomes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rekeyd::daemon {

namespace asio = boost::asio;
using providers::ChangeTicket;
using providers::Machine;
using providers::Power;
using storage::MachineStop;

namespace {

constexpr auto call_patience = std::chrono::minutes(2);
constexpr std::chrono::seconds stop_patience = std::chrono::minutes(10);
/// For a request that perhaps never arrived; then it is asked for again.
constexpr std::chrono::seconds unanswered_patience = std::chrono::minutes(1);

StepBlocked does_not_stop(MachineStop const& stop, Error error) {
  error.what = fmt::format("the machine cannot be stopped: {}", error.what);
  error.where = stop.machine.str();
  error.remedy =
      "whatever was stopped is started again; mend the machine at its provider, then `rekeyctl retry`";
  return {"machine_does_not_stop", std::move(error)};
}

StepBlocked started_each_time(MachineStop const& stop) {
  Error error;
  error.error_class = ErrorClass::conflict;
  error.what = "somebody starts the machine each time that it was stopped";
  error.where = stop.machine.str();
  error.remedy = "find out who or what starts it (autoscaling, a schedule, a person), then `rekeyctl retry`";
  return {"machine_started_again", std::move(error)};
}

StepBlocked not_drained(ResourceId const& machine, std::string what) {
  Error error;
  error.error_class = ErrorClass::permanent;
  error.what = fmt::format("the machine was not taken out of service: {}", what);
  error.where = machine.str();
  error.remedy =
      "it was not stopped, and what was is started again; see what the command wrote to rekeyd's log, then "
      "`rekeyctl retry`";
  return {"machine_not_drained", std::move(error)};
}

}  // namespace

asio::awaitable<std::optional<StepOutcome>> MachineStopper::bring_to_rest(Machine machine) {
  if (stop_.requested) co_return StepWait{world_.clock.wall_now(), "the daemon is stopping"};
  Trouble trouble = co_await note_return(machine);
  if (trouble) co_return trouble;
  auto const last = log_.last_of(machine.id);
  bool const in_hand = last && !last->ended_at;
  if (!in_hand) trouble = co_await drain(machine);
  if (trouble) co_return trouble;
  MachineStop stopping = in_hand ? *last : stop_of(machine);
  trouble = co_await stop(std::move(stopping));
  co_return trouble;
}

/// Somebody has started a machine that was at rest: that stop is over.
asio::awaitable<std::optional<StepOutcome>> MachineStopper::note_return(Machine const& machine) {
  std::optional<MachineStop> last = log_.last_of(machine.id);
  bool const came_back = last && !last->ended_at && last->at_rest && machine.power != Power::changing &&
                         machine.power != Power::unknown;
  if (!came_back) co_return std::nullopt;
  last->running_at = world_.clock.wall_now();
  last->ended_at = last->running_at;
  last->outcome = "running";
  HistoryEvent event =
      log_.event_of(*last, EventKind::machine_started, "somebody started the machine " + machine.id.str());
  event.details["started_by"] = "somebody else";
  Result<void> const kept = co_await log_.keep(*last, std::move(event));
  if (!kept) co_return StepAgain{kept.error()};
  if (last->attempt >= stops_max) co_return started_each_time(*last);
  co_return std::nullopt;
}

/// Asked again after a crash: the command has to bear that.
asio::awaitable<std::optional<StepOutcome>> MachineStopper::drain(Machine const& machine) {
  if (!rules_.drain || machine.power != Power::running) co_return std::nullopt;
  if (world_.commands == nullptr) co_return not_drained(machine.id, "no commands are run here");
  providers::Command command;
  command.words = rules_.drain->words;
  command.environment = {{"REKEYD_MACHINE", machine.id.str()},
                         {"REKEYD_RESOURCE", rotation_.at_rest->str()},
                         {"REKEYD_KEY", rotation_.key.text()},
                         {"REKEYD_POLICY", rotation_.policy.str()},
                         {"REKEYD_ROTATION", rotation_.id.str()}};
  auto const deadline = world_.clock.mono_now() + rules_.drain->deadline;
  Result<int> const status = co_await world_.commands->run(std::move(command), deadline);
  if (!status) co_return not_drained(machine.id, to_text(status.error()));
  if (*status != 0) {
    co_return not_drained(machine.id, fmt::format("{} ended with {}", rules_.drain->words.front(), *status));
  }
  MachineStop const stop = stop_of(machine);
  HistoryEvent event =
      log_.event_of(stop, EventKind::machine_drained, "machine taken out of service: " + machine.id.str());
  Result<void> const told = co_await log_.tell(std::move(event));
  if (!told) co_return StepAgain{told.error()};
  co_return std::nullopt;
}

MachineStop MachineStopper::stop_of(Machine const& machine) const {
  auto const last = log_.last_of(machine.id);
  MachineStop stop;
  stop.rotation = rotation_.id;
  stop.resource = *rotation_.at_rest;
  stop.machine = machine.id;
  stop.attempt = last ? last->attempt + 1 : 1;
  stop.ran = machine.power == Power::running;
  stop.asked_at = world_.clock.wall_now();
  return stop;
}

asio::awaitable<std::optional<StepOutcome>> MachineStopper::stop(MachineStop stop) {
  std::optional<Instant> const doubt_before = stop.in_doubt;
  stop.in_doubt = provider_now(world_, rotation_.key.provider);
  Result<void> const durable = co_await log_.keep(stop);
  if (!durable) co_return StepAgain{durable.error()};
  auto const deadline = world_.clock.mono_now() + call_patience;
  Result<ChangeTicket> const ticket = co_await controller_.stop(stop.machine, deadline);
  bool const unknown = !ticket && ticket.error().delivery == Delivery::maybe_applied;
  if (ticket) stop.request_id = ticket->evidence.request_id;
  Trouble trouble;
  if (!ticket && !unknown) {
    stop.in_doubt = doubt_before;
    trouble = co_await does_not_rest(std::move(stop), ticket.error(), false);
    co_return trouble;
  }
  Result<void> const kept = co_await log_.keep(stop);
  if (!kept) co_return StepAgain{kept.error()};
  std::optional<ChangeTicket> told;
  if (ticket) told = *ticket;
  trouble = co_await follow(std::move(stop), std::move(told), doubt_before);
  co_return trouble;
}

/// `doubt_before`: of an earlier request, which may arrive long after this one is through.
asio::awaitable<std::optional<StepOutcome>> MachineStopper::follow(MachineStop stop,
                                                                   std::optional<ChangeTicket> ticket,
                                                                   std::optional<Instant> doubt_before) {
  auto const left = log_.time_left(rules_).value_or(rules_.downtime_max);
  MachineErrand errand;
  errand.machine = stop.machine;
  errand.wanted = {Power::released};
  errand.undone = Power::running;
  bool const answered = ticket.has_value();
  if (answered) errand.ticket = *std::move(ticket);
  std::chrono::seconds const patience = answered ? stop_patience : unanswered_patience;
  errand.until = world_.clock.mono_now() + std::min(patience, left);
  auto const until = errand.until;
  Result<Machine> const now = co_await follow_machine(world_, stop_, controller_, std::move(errand));
  if (!now) {
    // It says that time is over a look before it is.
    bool const out_of_time = answered && world_.clock.mono_now() + std::chrono::minutes(1) > until;
    Trouble trouble = co_await does_not_rest(std::move(stop), now.error(), out_of_time);
    co_return trouble;
  }
  stop.at_rest = world_.clock.wall_now();
  if (answered) stop.in_doubt = doubt_before;
  HistoryEvent event =
      log_.event_of(stop, EventKind::machine_stopped, "machine stopped: " + stop.machine.str());
  Result<void> const kept = co_await log_.keep(std::move(stop), std::move(event));
  if (!kept) co_return StepAgain{kept.error()};
  co_return std::nullopt;
}

/// Whether it is ours to start again is for `resume` to see: the stop stays on record.
asio::awaitable<std::optional<StepOutcome>> MachineStopper::does_not_rest(MachineStop stop, Error error,
                                                                          bool out_of_time) {
  if (error.error_class == ErrorClass::cancelled) {
    co_return StepWait{world_.clock.wall_now(), "the daemon is stopping"};
  }
  bool const gone = error.error_class == ErrorClass::not_found;
  stop.message = to_text(error);
  if (!error.request_id.empty()) stop.request_id = error.request_id;
  if (gone) {
    stop.ended_at = world_.clock.wall_now();
    stop.outcome = "gone";
  }
  Result<void> const kept = co_await log_.keep(stop);
  if (!kept) co_return StepAgain{kept.error()};
  if (gone) co_return std::nullopt;
  bool const tried_enough = rotation_.attempts + 1 >= failed_tries_max;
  if (tried_enough || out_of_time || error.error_class == ErrorClass::permanent) {
    co_return does_not_stop(stop, std::move(error));
  }
  co_return StepAgain{std::move(error)};
}

}  // namespace rekeyd::daemon
