#include "policy/provider_rotation.hpp"
#include "tests/simulation/rule.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace rekeyd::simulation {

namespace {

/// Invariant 2: every provider version is in history once, with who made it.
class VersionHistory final : public Rule {
 public:
  using Rule::Rule;

  void committed(storage::Change const& change) override {
    for (HistoryEvent const& event : change.events) {
      if (event.kind == EventKind::version_found && event.key && event.version) told(event);
    }
    for (HistoryEvent const& event : change.events) {
      if (event.kind == EventKind::key_found && event.key) known_.emplace(event.key->text());
    }
  }

  void at_rest() override {
    for (auto const& [key, truth] : scene_.truth.keys()) {
      if (!truth.root) continue;
      for (TrueVersion const& version : truth.versions) {
        verdicts().require(Invariant::version_history, told_.contains({key, version.id}), [&] {
          return fmt::format("version {} of {}, made by {} on {}, is not in history", version.id, key,
                             to_text(version.maker), to_rfc3339(version.created));
        });
      }
    }
  }

 private:
  void told(HistoryEvent const& event) {
    std::string const key = event.key->text();
    std::string const version = event.version->str();
    bool const first = told_.insert({key, version}).second;
    verdicts().require(Invariant::version_history, first,
                       [&] { return fmt::format("version {} of {} is told twice", version, key); });
    // What a provider makes by itself is there from when somebody reads it.
    if (scene_.truth.find(key, version) == nullptr)
      scene_.truth.look(scene_.universe.clock.true_now(), Maker::provider);
    TrueVersion const* const truth = scene_.truth.find(key, version);
    verdicts().require(Invariant::version_history, truth != nullptr,
                       [&] { return fmt::format("the clouds have no version {} of {}", version, key); });
    if (truth == nullptr) return;
    auto const said = event.details.find("made_by");
    std::string const maker = said == event.details.end() ? "" : said->second;
    verdicts().require(Invariant::version_history, fits(maker, *truth, key), [&] {
      return fmt::format("history says that version {} of {} was made by '{}', but it was {}", version, key,
                         maker, to_text(truth->maker));
    });
  }

  bool fits(std::string const& said, TrueVersion const& truth, std::string const& key) const {
    if (truth.maker == Maker::daemon) return said == "rekeyd";
    if (!known_.contains(key)) return said == "unknown";
    if (truth.maker == Maker::provider) return said == "provider";
    return said == "other" || (said == "provider" && in_the_rules_hour(truth, key));
  }

  /// A person who rotates a key just when its provider was to do so cannot be told from it.
  bool in_the_rules_hour(TrueVersion const& version, std::string const& key) const {
    auto const known = scene_.on_record.keys.find(key);
    auto const& versions = scene_.truth.find(key)->versions;
    auto const place = std::ranges::find(versions, version.id, &TrueVersion::id);
    if (known == scene_.on_record.keys.end() || place == versions.begin()) return false;
    auto const& rule = known->second.provider_rotation;
    return rule && made_by_rule(*rule, std::prev(place)->created, version.created);
  }

  std::set<std::pair<std::string, std::string>> told_;
  std::set<std::string> known_;
};

}  // namespace

std::unique_ptr<Rule> make_version_history(Scene& scene) { return std::make_unique<VersionHistory>(scene); }

}  // namespace rekeyd::simulation
