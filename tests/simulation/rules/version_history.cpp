#include "tests/simulation/rule.hpp"

#include <fmt/format.h>

#include <map>
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
    TrueVersion const* const truth = scene_.truth.find(key, version);
    verdicts().require(Invariant::version_history, truth != nullptr,
                       [&] { return fmt::format("the clouds have no version {} of {}", version, key); });
    if (truth == nullptr) return;
    auto const said = event.details.find("made_by");
    std::string const maker = said == event.details.end() ? "" : said->second;
    verdicts().require(Invariant::version_history, fits(maker, *truth, known_.contains(key)), [&] {
      return fmt::format("history says that version {} of {} was made by '{}', but it was {}", version, key,
                         maker, to_text(truth->maker));
    });
  }

  static bool fits(std::string const& said, TrueVersion const& truth, bool key_was_known) {
    if (truth.maker == Maker::daemon) return said == "rekeyd";
    if (!key_was_known) return said == "unknown";
    return truth.maker == Maker::provider ? said == "provider" || said == "other" : said == "other";
  }

  std::set<std::pair<std::string, std::string>> told_;
  std::set<std::string> known_;
};

}  // namespace

std::unique_ptr<Rule> make_version_history(Scene& scene) { return std::make_unique<VersionHistory>(scene); }

}  // namespace rekeyd::simulation
