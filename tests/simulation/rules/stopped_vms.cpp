#include "tests/simulation/rule.hpp"
#include "tests/simulator/message.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

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

/// Invariant 4: no VM that we stopped stays stopped once its rotation has ended, none that was stopped before
/// is started. Told by what rekeyd asks for: which VMs hang on which key is not looked at, so a VM has until
/// no rotation is under way any more.
class StoppedVms final : public Rule {
 public:
  using Rule::Rule;

  void sent(Letter const& letter) override {
    auto const action = power_action(letter.request);
    if (!action || action->power != Power::start) return;
    verdicts().require(Invariant::stopped_vms, stopped_.contains(action->vm),
                       [&] { return "rekeyd starts a VM that it did not stop: " + action->vm; });
  }

  void arrived(Letter const& letter, sim::Delivery const& delivery,
               std::vector<Truth::NewVersion> const&) override {
    auto const action = power_action(letter.request);
    bool const accepted = delivery.answer.status >= 200 && delivery.answer.status < 300;
    if (!action || !accepted) return;
    if (action->power == Power::stop) {
      stopped_.insert(action->vm);
    } else {
      stopped_.erase(action->vm);
    }
  }

  void committed(storage::Change const& change) override {
    bool const one_rests = std::ranges::any_of(change.rotations, rests);
    if (one_rests && !any_under_way_after(change)) require_all_back("no rotation is under way");
  }

  void at_rest() override { require_all_back("all is at rest"); }

 private:
  static bool rests(Rotation const& rotation) { return rotation.state != RotationState::open; }

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
    verdicts().require(Invariant::stopped_vms, stopped_.empty(),
                       [&] { return fmt::format("{} and still stopped is {}", when, *stopped_.begin()); });
  }

  std::set<std::string> stopped_;  ///< By us, and not started by us since.
};

}  // namespace

std::unique_ptr<Rule> make_stopped_vms(Scene& scene) { return std::make_unique<StoppedVms>(scene); }

}  // namespace rekeyd::simulation
