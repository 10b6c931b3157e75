#include "daemon/resumer.hpp"

#include "daemon/gather.hpp"
#include "daemon/machine_course.hpp"
#include "daemon/provider_time.hpp"
#include "daemon/step_outcomes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

namespace rekeyd::daemon {

namespace asio = boost::asio;
using providers::ChangeTicket;
using providers::Machine;
using providers::Power;
using storage::MachineStop;

namespace {

constexpr auto call_patience = std::chrono::minutes(2);
constexpr auto start_patience = std::chrono::minutes(10);
/// For a request that perhaps never arrived; then it is asked for again.
constexpr auto unanswered_patience = std::chrono::minutes(1);

}  // namespace

/// One try of the step.
struct Resumer::Round {
  MachineLog& log;
  ProviderName provider;  ///< Of the key: by whose clock a request is old.
  int failed_rounds;
  std::map<ResourceId, Machine> now{};  ///< What its provider shows of each; absent: gone, or unreadable.
};

asio::awaitable<StepOutcome> Resumer::run(Rotation rotation, QuiesceRules rules) {
  auto log = MachineLog::read(world_, rotation);
  if (!log) co_return outcome_of(log.error());
  Round round{*log, rotation.key.provider, rotation.attempts};
  Stops const stops = log->open();
  std::vector<Tags> tags;
  std::optional<StepOutcome> worst;
  for (MachineStop const& stop : stops) {
    Tags& of_it = tags.emplace_back();
    providers::ResourceController* const controller = world_.resource_controller(stop.resource);
    if (controller == nullptr) continue;
    auto const deadline = world_.clock.mono_now() + call_patience;
    Result<Machine> machine = co_await controller->machine(stop.machine, deadline);
    if (!machine) continue;
    of_it = machine->tags;
    round.now.insert_or_assign(stop.machine, *std::move(machine));
  }
  // The other way round than they were stopped.
  auto const groups = quiesce_groups(rules.order, tags);
  for (auto group = groups.rbegin(); group != groups.rend(); ++group) {
    Stops members;
    for (std::size_t const index : *group) members.push_back(stops[index]);
    std::vector<std::optional<StepOutcome>> outcomes(members.size());
    IndexedTask const one = [&](std::size_t i) -> asio::awaitable<void> {
      std::optional<StepOutcome> outcome = co_await bring_back(round, members[i]);
      outcomes[i] = std::move(outcome);
    };
    co_await gather(members.size(), rules.at_once, one);
    for (std::optional<StepOutcome>& outcome : outcomes) {
      if (outcome) add_graver(worst, *std::move(outcome));
    }
  }
  if (worst) co_return *std::move(worst);
  co_return StepDone{};
}

asio::awaitable<std::optional<StepOutcome>> Resumer::bring_back(Round& round, MachineStop stop) {
  if (stop_.requested) co_return StepWait{world_.clock.wall_now(), "the daemon is stopping"};
  providers::ResourceController* const controller = world_.resource_controller(stop.resource);
  if (controller == nullptr) {
    Error error;
    error.what = "no configured provider looks after it any more";
    error.remedy = "configure it again, or start the machine by hand and `rekeyctl abandon --leave-stopped`";
    std::optional<StepOutcome> outcome = co_await does_not_run(round, std::move(stop), std::move(error));
    co_return outcome;
  }
  auto const known = round.now.find(stop.machine);
  Result<Machine> now = std::unexpected(Error{});
  if (known != round.now.end()) {
    now = known->second;
  } else {
    auto const deadline = world_.clock.mono_now() + call_patience;
    now = co_await controller->machine(stop.machine, deadline);
  }
  std::optional<StepOutcome> outcome;
  if (!now && now.error().error_class == ErrorClass::not_found) {
    outcome = co_await over(round, std::move(stop), "gone");
  } else if (!now) {
    outcome = co_await does_not_run(round, std::move(stop), now.error());
  } else if (now->power == Power::running) {
    outcome = co_await runs(round, std::move(stop));
  } else if (!stop.ran) {
    outcome = co_await over(round, std::move(stop), "left_stopped");
  } else {
    outcome = co_await start(round, std::move(stop), *controller);
  }
  co_return outcome;
}

/// Also one that is on its way down or up: it is asked for a state, and a second time does no harm.
asio::awaitable<std::optional<StepOutcome>> Resumer::start(Round& round, MachineStop stop,
                                                           providers::ResourceController& controller) {
  stop.start_asked_at = world_.clock.wall_now();
  stop.running_at.reset();
  Result<void> const durable = co_await round.log.keep(stop);
  if (!durable) co_return StepAgain{durable.error()};
  auto const deadline = world_.clock.mono_now() + call_patience;
  Result<ChangeTicket> const ticket = co_await controller.start(stop.machine, deadline);
  bool const unknown = !ticket && ticket.error().delivery == Delivery::maybe_applied;
  std::optional<StepOutcome> outcome;
  if (!ticket && ticket.error().error_class == ErrorClass::not_found) {
    outcome = co_await over(round, std::move(stop), "gone");
    co_return outcome;
  }
  if (!ticket && !unknown) {
    outcome = co_await does_not_run(round, std::move(stop), ticket.error());
    co_return outcome;
  }
  MachineErrand errand;
  errand.machine = stop.machine;
  errand.wanted = {Power::running};
  if (ticket) errand.ticket = *ticket;
  errand.until = world_.clock.mono_now() + (ticket ? start_patience : unanswered_patience);
  if (ticket) stop.request_id = ticket->evidence.request_id;
  Result<Machine> const now = co_await follow_machine(world_, stop_, controller, std::move(errand));
  if (!now && now.error().error_class == ErrorClass::not_found) {
    outcome = co_await over(round, std::move(stop), "gone");
  } else if (!now) {
    outcome = co_await does_not_run(round, std::move(stop), now.error());
  } else {
    outcome = co_await runs(round, std::move(stop));
  }
  co_return outcome;
}

/// A request to stop it that got lost may still arrive, and one whose end nobody has seen may still be
/// carried out while the machine shows as running: until neither can be any more, the machine is ours to
/// watch.
asio::awaitable<std::optional<StepOutcome>> Resumer::runs(Round& round, MachineStop stop) {
  Instant const now = world_.clock.wall_now();
  if (!stop.running_at) stop.running_at = now;
  Instant const there = provider_now(world_, round.provider);
  if (stop.in_doubt) stop.in_doubt = std::min(*stop.in_doubt, there);
  if (stop.in_doubt && there < *stop.in_doubt + request_life_max) {
    Result<void> const kept = co_await round.log.keep(stop);
    if (!kept) co_return StepAgain{kept.error()};
    co_return StepWait{now + (*stop.in_doubt + request_life_max - there),
                       fmt::format("{} runs; a request to stop it may still arrive", stop.machine.str())};
  }
  std::optional<StepOutcome> outcome = co_await over(round, std::move(stop), "running");
  co_return outcome;
}

asio::awaitable<std::optional<StepOutcome>> Resumer::over(Round& round, MachineStop stop,
                                                          char const* outcome) {
  stop.outcome = outcome;
  stop.ended_at = world_.clock.wall_now();
  bool const started = stop.running_at.has_value();
  std::string sentence;
  if (started) {
    sentence = fmt::format("machine runs again after {} s: {}", (*stop.running_at - stop.asked_at).count(),
                           stop.machine.str());
  } else {
    sentence = fmt::format("machine is {}: {}", stop.outcome == "gone" ? "gone" : "left stopped, as it was",
                           stop.machine.str());
  }
  HistoryEvent event = round.log.event_of(stop, EventKind::machine_started, std::move(sentence));
  if (started) event.details["downtime_seconds"] = std::to_string((*stop.running_at - stop.asked_at).count());
  if (!started) event.outcome = EventOutcome::held;
  event.details["outcome"] = stop.outcome;
  if (stop.ran && !stop.start_asked_at) event.details["started_by"] = "somebody else";
  Result<void> const kept = co_await round.log.keep(std::move(stop), std::move(event));
  if (!kept) co_return StepAgain{kept.error()};
  co_return std::nullopt;
}

asio::awaitable<std::optional<StepOutcome>> Resumer::does_not_run(Round& round, MachineStop stop,
                                                                  Error error) {
  if (error.error_class == ErrorClass::cancelled) {
    co_return StepWait{world_.clock.wall_now(), "the daemon is stopping"};
  }
  stop.message = to_text(error);
  if (!error.request_id.empty()) stop.request_id = error.request_id;
  HistoryEvent event =
      round.log.event_of(stop, EventKind::machine_not_started,
                         fmt::format("machine does not run again: {}: {}", stop.machine.str(), stop.message));
  event.outcome = EventOutcome::failed;
  event.error_code = error.code;
  std::string const machine = stop.machine.str();
  Result<void> const kept = co_await round.log.keep(std::move(stop), std::move(event));
  if (!kept) co_return StepAgain{kept.error()};
  error.what = fmt::format("the machine does not run again: {}", error.what);
  error.where = machine;
  if (round.failed_rounds + 1 >= failed_rounds_max) {
    error.remedy =
        "start it by hand, or mend what its provider names, then `rekeyctl retry`; `rekeyctl abandon "
        "--leave-stopped` ends the rotation with the machine as it is";
    co_return StepBlocked{"machine_does_not_start", std::move(error)};
  }
  // Nothing of this is over before a person has looked, whatever the provider called it.
  error.error_class = ErrorClass::transient;
  co_return StepAgain{std::move(error)};
}

}  // namespace rekeyd::daemon
