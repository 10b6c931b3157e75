// The steps of a rotation for which machines have to stand still: how they come to rest, what is changed
// meanwhile, and how they run again.
#include "daemon/rotation_steps.hpp"
#include "daemon/step_outcomes.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

namespace rekeyd::daemon {

namespace asio = boost::asio;

namespace {

constexpr auto look_at_resting_every = std::chrono::minutes(15);
constexpr auto no_bound = std::chrono::hours(24);

StepBlocked would_not_start(Rotation const& rotation, std::vector<std::string> const& shortcomings) {
  Error error;
  error.error_class = ErrorClass::permanent;
  error.what = fmt::format("no machine on {} would start again: the key's current version {}",
                           rotation.at_rest->str(), fmt::join(shortcomings, ", "));
  error.where = rotation.key.text();
  error.remedy =
      "make a version from which confidential machines can start (docs/resources.md), then `rekeyctl retry`; "
      "no machine was stopped";
  return {"version_cannot_start_machines", std::move(error)};
}

}  // namespace

asio::awaitable<std::optional<StepOutcome>> RotationSteps::rest_hindered(KeyRef key, QuiesceRules rules) {
  auto resources = mover_.changed_at_rest(key);
  if (!resources) co_return outcome_of(resources.error());
  if (resources->empty()) co_return std::nullopt;
  std::optional<StepOutcome> hindered = co_await quiescer_.hindered(*std::move(resources), std::move(rules));
  co_return hindered;
}

/// One resource after the other: the machines of the next need not stand still while this one changes.
asio::awaitable<StepOutcome> RotationSteps::bring_to_rest(std::vector<ResourceId> behind, QuiesceRules rules,
                                                          Rotation& rotation) {
  for (ResourceId const& resource : behind) {
    bool rests = rules.stop;
    if (!rests) {
      Result<bool> const at_rest = co_await quiescer_.at_rest(resource);
      if (!at_rest) co_return outcome_of(at_rest.error());
      rests = *at_rest;
    }
    if (!rests) continue;
    rotation.at_rest = resource;
    co_return StepDetour{
        fmt::format("the machines on {} have to stand still for its change", resource.str())};
  }
  std::vector<std::string> names;
  for (ResourceId const& resource : behind) names.push_back(resource.str());
  co_return StepWait{
      world_.clock.wall_now() + look_at_resting_every,
      fmt::format("machines run on {}, and the policy does not let rekeyd stop them: stop (deallocate) them "
                  "and `rekeyctl retry`, or set confidential_vms.stop in the policy",
                  fmt::join(names, ", ")),
      WaitsFor::stopped_vm};
}

/// Before anything stops it is proved that it would start again: whoever made the version, and whatever it
/// was compared with when it was found.
asio::awaitable<StepResult> RotationSteps::quiesce(Rotation rotation, QuiesceRules rules) {
  if (!rotation.at_rest || !rotation.new_version) {
    co_return ended(std::move(rotation), StepDetour{"nothing is named that has to change"});
  }
  auto const* const controller = world_.resource_controller(*rotation.at_rest);
  auto const resources = mover_.changed_at_rest(rotation.key);
  ProviderInstance* const instance = world_.provider(target_key(rotation).provider);
  if (controller != nullptr && resources && instance != nullptr) {
    Result<providers::KeyDescription> const now = co_await read(target_key(rotation));
    if (!now) co_return ended(std::move(rotation), outcome_of(now.error()));
    auto const resource = std::ranges::find(*resources, *rotation.at_rest, &Registration::resource);
    if (resource != resources->end()) {
      auto const shortcomings = controller->shortcomings(now->key, *resource);
      if (!shortcomings.empty()) {
        StepBlocked blocked = would_not_start(rotation, shortcomings);
        co_return ended(std::move(rotation), std::move(blocked));
      }
    }
  }
  StepOutcome outcome = co_await quiescer_.run(rotation, std::move(rules));
  co_return ended(std::move(rotation), std::move(outcome));
}

asio::awaitable<StepResult> RotationSteps::change(Rotation rotation, QuiesceRules rules) {
  if (!rotation.at_rest)
    co_return ended(std::move(rotation), StepDetour{"nothing is named that has to change"});
  auto const log = MachineLog::read(world_, rotation);
  if (!log) co_return ended(std::move(rotation), outcome_of(log.error()));
  auto const left = log->time_left(rules);
  if (left && *left <= std::chrono::seconds(0)) {
    StepBlocked over = Quiescer::downtime_over(rotation, rules);
    co_return ended(std::move(rotation), std::move(over));
  }
  Result<bool> const at_rest = co_await quiescer_.at_rest(*rotation.at_rest);
  bool const gone = !at_rest && at_rest.error().error_class == ErrorClass::not_found;
  if (gone) co_return ended(std::move(rotation), StepDetour{"the resource is gone"});
  if (!at_rest) co_return ended(std::move(rotation), outcome_of(at_rest.error()));
  if (!*at_rest)
    co_return ended(std::move(rotation), StepBack{Step::quiesce, "somebody has started a machine"});
  ResourceSummary summary = co_await mover_.change(rotation, *rotation.at_rest, left.value_or(no_bound));
  StepResult result = ended(std::move(rotation), StepDone{});
  if (summary.unfinished) result.outcome = *std::move(summary.unfinished);
  result.facts = std::move(summary.facts);
  co_return result;
}

asio::awaitable<StepResult> RotationSteps::resume(Rotation rotation, QuiesceRules rules) {
  StepOutcome outcome = co_await resumer_.run(rotation, std::move(rules));
  co_return ended(std::move(rotation), std::move(outcome));
}

}  // namespace rekeyd::daemon
