#include "tests/simulation/rule.hpp"

#include <fmt/format.h>

namespace rekeyd::simulation {

namespace {

/// Invariant 8: a key's next due date is one pure function of policy, provider truth and key: whatever the
/// daemon says is what the simulation's own calendar makes of the version that it knows.
class SteadyDates final : public Rule {
 public:
  using Rule::Rule;
  void began() override { compare("after a start"); }
  void reloaded() override { compare("after a reload"); }
  void looked_around() override { compare("on a second look"); }
  void at_rest() override { compare("at the end"); }

 private:
  void compare(char const* when) {
    if (scene_.daemon == nullptr) return;
    for (daemon::KeyReport const& report : scene_.daemon->keys()) {
      auto const known = scene_.on_record.keys.find(report.key.text());
      if (known == scene_.on_record.keys.end() || !report.current_version || report.versions == 0) continue;
      auto const applied = scene_.policy_of(known->second);
      auto const due =
          applied ? scene_.due(report.key.text(), report.current_version->str(), *applied) : std::nullopt;
      if (!due) continue;
      verdicts().require(Invariant::steady_dates, report.verdict.due == due, [&] {
        return fmt::format("{} {} is due {}, but by the calendar {}", report.key.text(), when,
                           report.verdict.due ? to_rfc3339(*report.verdict.due) : "never", to_rfc3339(*due));
      });
    }
  }
};

}  // namespace

std::unique_ptr<Rule> make_steady_dates(Scene& scene) { return std::make_unique<SteadyDates>(scene); }

}  // namespace rekeyd::simulation
