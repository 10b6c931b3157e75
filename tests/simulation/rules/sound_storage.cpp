#include "storage/verify.hpp"
#include "tests/simulation/rule.hpp"

#include <fmt/format.h>

namespace rekeyd::simulation {

namespace {

/// Invariant 7: the history chain verifies, and the database passes integrity_check, after every crash. What
/// was once durable stays.
class SoundStorage final : public Rule {
 public:
  using Rule::Rule;

  void left_behind() override {
    Result<storage::VerifyReport> const& report = scene_.database;
    // Cut off before its tables were there: nothing was promised yet.
    if (scene_.events_durable == 0 && (!report || !report->sound())) return;
    verdicts().require(Invariant::sound_storage, report.has_value(), [&] { return to_text(report.error()); });
    if (!report) return;
    verdicts().require(Invariant::sound_storage, report->sound(), [&] {
      return fmt::format("{} findings, the first: {}", report->findings_total, report->findings.front().what);
    });
    std::int64_t const expected = scene_.events_durable + scene_.events_at_risk();
    verdicts().require(Invariant::sound_storage, report->events == expected, [&] {
      return fmt::format("history has {} events, but {} were made durable", report->events, expected);
    });
  }
};

}  // namespace

std::unique_ptr<Rule> make_sound_storage(Scene& scene) { return std::make_unique<SoundStorage>(scene); }

}  // namespace rekeyd::simulation
