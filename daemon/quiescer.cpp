#include "daemon/quiescer.hpp"

#include "daemon/gather.hpp"
#include "daemon/machine_stopper.hpp"
#include "daemon/step_outcomes.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

namespace rekeyd::daemon {

namespace asio = boost::asio;
using providers::Machine;
using providers::Power;

namespace {

constexpr auto call_patience = std::chrono::minutes(2);
constexpr auto look_again_after = std::chrono::seconds(10);

bool rests(Machine const& machine) { return machine.power == Power::released; }

bool is_settled(Machine const& machine) {
  return machine.power == Power::running || machine.power == Power::stopped || rests(machine);
}

bool passes_by_itself(ResourceCondition const& obstacle) { return obstacle.word == "machine_updating"; }

/// Of a machine that we have in hand, its last operation is ours: that it failed is dealt with there.
bool may_be_ours(ResourceCondition const& obstacle) {
  return passes_by_itself(obstacle) || obstacle.word == "machine_failed";
}

StepBlocked blocked_by(ResourceId const& where, ResourceCondition const& condition) {
  Error error;
  error.error_class = ErrorClass::permanent;
  error.what = condition.sentence;
  error.where = where.str();
  error.remedy = condition.remedy;
  return {condition.word, std::move(error)};
}

/// Several of a kind are told together, by the first one's word.
StepBlocked blocked_by_all(std::vector<std::pair<ResourceId, ResourceCondition>> const& found) {
  StepBlocked blocked = blocked_by(found.front().first, found.front().second);
  std::vector<std::string> others;
  for (std::size_t i = 1; i < found.size(); ++i) {
    others.push_back(fmt::format("{}: {}", found[i].first.str(), found[i].second.sentence));
  }
  if (!others.empty()) {
    blocked.error.what += fmt::format("; and {} more: {}", others.size(), fmt::join(others, "; "));
  }
  return blocked;
}

/// What is wrong with the machines themselves. One that we have in hand may well be changing.
std::optional<StepOutcome> in_the_way(std::vector<Machine> const& machines, MachineLog const* log,
                                      Instant now) {
  std::vector<std::pair<ResourceId, ResourceCondition>> lasting;
  std::string passing;
  for (Machine const& machine : machines) {
    auto const last = log == nullptr ? std::nullopt : log->last_of(machine.id);
    bool const in_hand = last && !last->ended_at;
    if (in_hand && (!machine.obstacle || may_be_ours(*machine.obstacle))) continue;
    if (machine.obstacle && !passes_by_itself(*machine.obstacle)) {
      lasting.emplace_back(machine.id, *machine.obstacle);
    } else if (machine.obstacle || !is_settled(machine)) {
      passing = fmt::format("{} is {}", machine.id.str(), to_text(machine.power));
    }
  }
  if (!lasting.empty()) return blocked_by_all(lasting);
  if (!passing.empty()) return StepWait{now + look_again_after, passing};
  return std::nullopt;
}

}  // namespace

StepBlocked Quiescer::downtime_over(Rotation const& rotation, QuiesceRules const& rules) {
  Error error;
  error.error_class = ErrorClass::permanent;
  error.what =
      fmt::format("machines have stood still for {} minutes, which is as long as the policy lets them",
                  std::chrono::floor<std::chrono::minutes>(rules.downtime_max).count());
  error.where = rotation.at_rest ? rotation.at_rest->str() : rotation.key.text();
  error.remedy =
      "they are started again; see `rekeyctl history` for what took so long, then `rekeyctl retry`: the new "
      "key version is there already";
  return {"downtime_over", std::move(error)};
}

asio::awaitable<std::optional<StepOutcome>> Quiescer::hindered(std::vector<Registration> resources,
                                                               QuiesceRules rules) {
  for (Registration const& resource : resources) {
    providers::ResourceController* const controller = world_.resource_controller(resource.resource);
    if (controller == nullptr) continue;
    auto const deadline = world_.clock.mono_now() + call_patience;
    auto const machines = co_await controller->machines(resource.resource, deadline);
    bool const gone = !machines && machines.error().error_class == ErrorClass::not_found;
    if (gone) continue;
    if (!machines) co_return outcome_of(machines.error());
    if (auto obstacle = in_the_way(*machines, nullptr, world_.clock.wall_now())) co_return obstacle;
    Machines running;
    if (rules.stop) std::ranges::remove_copy_if(*machines, std::back_inserter(running), rests);
    std::optional<StepOutcome> outcome =
        co_await forbidden(*controller, resource.resource, std::move(running));
    if (outcome) co_return outcome;
  }
  co_return std::nullopt;
}

asio::awaitable<std::optional<StepOutcome>> Quiescer::forbidden(providers::ResourceController& controller,
                                                                ResourceId resource, Machines running) {
  std::vector<ResourceId> ids;
  for (Machine const& machine : running) ids.push_back(machine.id);
  auto const deadline = world_.clock.mono_now() + call_patience;
  auto const hindrances = co_await controller.hindrances(resource, std::move(ids), deadline);
  if (!hindrances) co_return outcome_of(hindrances.error());
  if (hindrances->empty()) co_return std::nullopt;
  std::vector<std::pair<ResourceId, ResourceCondition>> found;
  for (ResourceCondition const& each : *hindrances) found.emplace_back(resource, each);
  co_return blocked_by_all(found);
}

asio::awaitable<Result<bool>> Quiescer::at_rest(ResourceId resource) {
  providers::ResourceController* const controller = world_.resource_controller(resource);
  if (controller == nullptr) co_return false;
  auto const deadline = world_.clock.mono_now() + call_patience;
  auto const machines = co_await controller->machines(resource, deadline);
  if (!machines) co_return std::unexpected(machines.error());
  co_return std::ranges::all_of(*machines, rests);
}

asio::awaitable<StepOutcome> Quiescer::run(Rotation rotation, QuiesceRules rules) {
  ResourceId const resource = *rotation.at_rest;
  providers::ResourceController* const controller = world_.resource_controller(resource);
  if (controller == nullptr) co_return StepDetour{"no configured provider looks after " + resource.str()};
  auto log = MachineLog::read(world_, rotation);
  if (!log) co_return outcome_of(log.error());
  auto const left = log->time_left(rules);
  if (left && *left <= std::chrono::seconds(0)) co_return downtime_over(rotation, rules);

  auto const deadline = world_.clock.mono_now() + call_patience;
  auto const machines = co_await controller->machines(resource, deadline);
  bool const gone = !machines && machines.error().error_class == ErrorClass::not_found;
  if (gone) co_return StepDetour{resource.str() + " is gone"};
  if (!machines) co_return outcome_of(machines.error());
  if (auto obstacle = in_the_way(*machines, &*log, world_.clock.wall_now())) co_return *obstacle;
  std::optional<StepOutcome> trouble = co_await note_rest(*log, *machines);
  if (trouble) co_return *trouble;
  Machines running;
  std::ranges::remove_copy_if(*machines, std::back_inserter(running), rests);
  if (running.empty()) co_return StepDone{};
  if (!rules.stop) {
    co_return StepDetour{
        fmt::format("{} runs, and the policy does not let rekeyd stop machines", running.front().id.str())};
  }
  trouble = co_await forbidden(*controller, resource, running);
  if (trouble) co_return *trouble;
  MachineStopper stopper(world_, stop_, *controller, *log, rotation, rules);
  trouble = co_await bring_to_rest(stopper, rules, std::move(running));
  if (trouble) co_return *trouble;
  co_return StepDone{};
}

/// Machines that came to rest while nobody of ours was looking.
asio::awaitable<std::optional<StepOutcome>> Quiescer::note_rest(MachineLog& log, Machines machines) {
  for (Machine const& machine : machines) {
    auto stop = log.last_of(machine.id);
    bool const unnoted = stop && !stop->ended_at && !stop->at_rest && rests(machine);
    if (!unnoted) continue;
    stop->at_rest = world_.clock.wall_now();
    HistoryEvent event =
        log.event_of(*stop, EventKind::machine_stopped, "machine stopped: " + machine.id.str());
    Result<void> const kept = co_await log.keep(*stop, std::move(event));
    if (!kept) co_return StepAgain{kept.error()};
  }
  co_return std::nullopt;
}

/// Group after group, so that what others lean on stops last.
asio::awaitable<std::optional<StepOutcome>> Quiescer::bring_to_rest(MachineStopper& stopper,
                                                                    QuiesceRules const& rules,
                                                                    Machines running) {
  std::vector<Tags> tags;
  for (Machine const& machine : running) tags.push_back(machine.tags);
  std::optional<StepOutcome> worst;
  for (std::vector<std::size_t> const& group : quiesce_groups(rules.order, tags)) {
    std::vector<std::optional<StepOutcome>> outcomes(group.size());
    IndexedTask const one = [&](std::size_t i) -> asio::awaitable<void> {
      std::optional<StepOutcome> outcome = co_await stopper.bring_to_rest(running[group[i]]);
      outcomes[i] = std::move(outcome);
    };
    co_await gather(group.size(), rules.at_once, one);
    for (std::optional<StepOutcome>& outcome : outcomes) {
      if (outcome) add_graver(worst, *std::move(outcome));
    }
    if (worst) co_return worst;
  }
  co_return std::nullopt;
}

}  // namespace rekeyd::daemon
