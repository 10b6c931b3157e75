#include "storage/verify.hpp"
#include "tests/simulation/rule.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rekeyd::simulation {

namespace {

/// Invariant 7: the history chain verifies, and the database passes integrity_check, after every crash. What
/// was once durable stays. What happens to a rotation is one transaction with an event that tells of it, and
/// a sound disk takes what is to be written.
class SoundStorage final : public Rule {
 public:
  using Rule::Rule;

  void committed(storage::Change const& change) override {
    for (Rotation const& rotation : change.rotations) {
      auto const before = scene_.on_record.rotations.find(rotation.id.str());
      bool const moved = before == scene_.on_record.rotations.end() ||
                         before->second.state != rotation.state || before->second.step != rotation.step;
      bool const told = std::ranges::any_of(
          change.events, [&](HistoryEvent const& event) { return event.rotation == rotation.id; });
      verdicts().require(Invariant::sound_storage, !moved || told, [&] {
        return fmt::format("rotation {} is {} at step {}, and no event of that transaction tells of it",
                           rotation.id.str(), to_text(rotation.state), to_text(rotation.step));
      });
    }
  }

  void refused(Error const& error, bool disk_is_sound) override {
    verdicts().require(Invariant::sound_storage, !disk_is_sound,
                       [&] { return "a sound disk, and yet a commit failed: " + to_text(error); });
  }

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
