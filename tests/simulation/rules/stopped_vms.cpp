#include "tests/simulation/rule.hpp"
#include "tests/simulator/message.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

namespace rekeyd::simulation {

namespace {

enum class Power { stop, start };
struct PowerAction {
  std::string vm;  ///< Its resource id, in lower case: ARM does not tell cases apart.
  Power power;
};

/// POST .../virtualMachines/NAME/deallocate | powerOff | start (ARM, Compute).
std::optional<PowerAction> power_action(sim::Request const& request) {
  std::string const path = sim::lower(request.target.substr(0, request.target.find('?')));
  auto const verb = path.rfind('/');
  if (request.method != "POST" || verb == std::string::npos || !path.contains("/virtualmachines/")) return {};
  std::string const word = path.substr(verb + 1);
  std::string const vm = path.substr(0, verb);
  if (word == "deallocate" || word == "poweroff") return PowerAction{vm, Power::stop};
  if (word == "start") return PowerAction{vm, Power::start};
  return std::nullopt;
}

/// People and the platform have names of their own in the clouds' record; whoever else acts is rekeyd.
bool is_rekeyd(std::string const& by) { return by != "people" && by != "platform"; }

/// Invariant 4: no VM that we stopped stays stopped once its rotation has ended, none that was stopped before
/// is started, none is left without a key version from which it could start. What rekeyd may start is told by
/// what it asked for, what it left by what the clouds show.
class StoppedVms final : public Rule {
 public:
  using Rule::Rule;

  void sent(Letter const& letter) override {
    auto const action = power_action(letter.request);
    if (!action) return;
    if (action->power == Power::stop) {
      asked_to_stop_.insert(action->vm);
      return;
    }
    verdicts().require(Invariant::stopped_vms, asked_to_stop_.contains(action->vm),
                       [&] { return "rekeyd starts a VM that it did not stop: " + action->vm; });
  }

  void committed(storage::Change const& change) override {
    bool const one_rests = std::ranges::any_of(change.rotations, rests);
    if (!one_rests || any_under_way_after(change)) return;
    require_all_back("no rotation is under way");
    asked_to_stop_.clear();
  }

  void at_rest() override {
    require_all_back("all is at rest");
    for (sim::VmTruth const& vm : machines()) {
      verdicts().require(Invariant::stopped_vms, vm.can_start,
                         [&] { return "a VM could not start any more: " + vm.id; });
    }
  }

 private:
  /// One that is blocked while machines do not start is not over: a person has to look at it.
  static bool rests(Rotation const& rotation) {
    return rotation.state != RotationState::open && rotation.step != Step::resume;
  }

  std::vector<sim::VmTruth> machines() const {
    return scene_.truth.resources(scene_.universe.clock.true_now()).virtual_machines;
  }

  bool any_under_way_after(storage::Change const& change) const {
    auto const changed = [&](std::string const& id) {
      return std::ranges::find(change.rotations, id, [](Rotation const& now) { return now.id.str(); });
    };
    for (auto const& [key, ids] : scene_.on_record.open_of) {
      for (std::string const& id : ids) {
        auto const now = changed(id);
        if (now == change.rotations.end() && !rests(scene_.on_record.rotations.at(id))) return true;
      }
    }
    return !std::ranges::all_of(change.rotations, rests);
  }

  void require_all_back(char const* when) {
    if (asked_to_stop_.empty()) return;
    for (sim::VmTruth const& vm : machines()) {
      bool const left = vm.power != "deleted" && !vm.stops.empty() && is_rekeyd(vm.stops.back().by) &&
                        !vm.stops.back().until;
      verdicts().require(Invariant::stopped_vms, !left,
                         [&] { return fmt::format("{} and still stopped by rekeyd is {}", when, vm.id); });
    }
  }

  std::set<std::string> asked_to_stop_;  ///< Since the last time that no rotation was under way.
};

}  // namespace

std::unique_ptr<Rule> make_stopped_vms(Scene& scene) { return std::make_unique<StoppedVms>(scene); }

}  // namespace rekeyd::simulation
