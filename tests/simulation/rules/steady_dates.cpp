#include "tests/simulation/rule.hpp"

#include <fmt/format.h>

#include <map>
#include <set>

namespace rekeyd::simulation {

namespace {

/// Invariant 8: a key's next due date is one pure function of policy, provider truth and key: what the
/// daemon says lies where the simulation's own calendar puts it, within the policy's spread, and is the same
/// whenever it is asked.
class SteadyDates final : public Rule {
 public:
  using Rule::Rule;
  void committed(storage::Change const& change) override {
    for (storage::StoredKey const& stored : change.keys) given_up_.erase(stored.key.ref.text());
    for (Rotation const& rotation : change.rotations) {
      if (rotation.state == RotationState::abandoned) given_up_.insert(rotation.key.text());
    }
  }
  void began() override { compare("after a start"); }
  void reloaded() override { compare("after a reload"); }
  void looked_around() override { compare("on a second look"); }
  void at_rest() override { compare("at the end"); }

 private:
  void compare(char const* when) {
    if (!scene_.reports) return;
    for (daemon::KeyReport const& report : scene_.reports()) {
      auto const known = scene_.on_record.keys.find(report.key.text());
      if (known == scene_.on_record.keys.end() || !report.current_version || report.versions == 0) continue;
      if (scene_.on_record.replaced.contains(report.key.text())) {
        verdicts().require(Invariant::steady_dates, !report.verdict.due,
                           [&] { return fmt::format("{} was replaced and is due", report.key.text()); });
        continue;
      }
      auto const applied = scene_.policy_of(known->second);
      if (applied && applied->mode == Mode::delegate) {
        compare_provider(report, known->second, when);
        continue;
      }
      auto const calendar =
          applied ? scene_.due(report.key.text(), report.current_version->str(), *applied) : std::nullopt;
      if (!calendar) continue;
      auto const& due = report.verdict.due;
      auto const fits = [&](std::optional<Instant> const& date) {
        return due && date && *due >= *date && *due <= *date + applied->policy->spread;
      };
      // A rotation that stopped before its version was found fit has the date of that version already, and
      // the key as it was at the claim.
      bool const under_way =
          scene_.open_rotation(report.key.text()) != nullptr || given_up_.contains(report.key.text());
      bool const newer =
          under_way && fits(scene_.due(report.key.text(), newest(report.key.text()), *applied));
      bool const in_its_place = fits(calendar) || newer;
      verdicts().require(Invariant::steady_dates, in_its_place, [&] {
        return fmt::format("{} {} is due {}, but by the calendar {}", report.key.text(), when,
                           due ? to_rfc3339(*due) : "never", to_rfc3339(*calendar));
      });
      if (!due || newer) continue;
      std::string const what =
          fmt::format("{} {} {} {} {}", report.key.text(), report.current_version->str(),
                      applied->every.count(), applied->policy->zone->name(), applied->policy->spread.count());
      steady(report, what, when);
    }
  }

  /// A provider counts from the current version on, by a rule of its own.
  void compare_provider(daemon::KeyReport const& report, RootKey const& known, char const* when) {
    auto const& rule = known.provider_rotation;
    bool const counts = rule && rule->enabled && (rule->months || rule->days);
    if (!report.verdict.due || !counts || scene_.open_rotation(report.key.text()) != nullptr) return;
    TrueVersion const* const current = scene_.truth.find(report.key.text(), report.current_version->str());
    if (current == nullptr) return;
    Instant const least = current->created + std::chrono::hours(24) * 28 *
                                                 (rule->days ? *rule->days / 30 : rule->months.value_or(1));
    verdicts().require(Invariant::steady_dates, *report.verdict.due >= least, [&] {
      return fmt::format("{} {} is due {}, before its provider can be through with its version of {}",
                         report.key.text(), when, to_rfc3339(*report.verdict.due),
                         to_rfc3339(current->created));
    });
    steady(report,
           fmt::format("{} {} by its provider, every {}", report.key.text(), current->id, rule->interval),
           when);
  }

  void steady(daemon::KeyReport const& report, std::string const& what, char const* when) {
    Instant const due = *report.verdict.due;
    auto const [known_date, first] = dates_.try_emplace(what, due);
    verdicts().require(Invariant::steady_dates, known_date->second == due, [&] {
      return fmt::format("{} {} is due {}, but was due {}", report.key.text(), when, to_rfc3339(due),
                         to_rfc3339(known_date->second));
    });
  }

  std::string newest(std::string const& key) const {
    TrueKey const* const truth = scene_.truth.find(key);
    return truth == nullptr ? "" : truth->versions.back().id;
  }

  std::set<std::string> given_up_;        ///< Keys that nobody has read since their rotation was abandoned.
  std::map<std::string, Instant> dates_;  ///< Key, version and policy → the date that they gave.
};

}  // namespace

std::unique_ptr<Rule> make_steady_dates(Scene& scene) { return std::make_unique<SteadyDates>(scene); }

}  // namespace rekeyd::simulation
