#include "storage/verify.hpp"
#include "tests/simulation/rule.hpp"

#include <fmt/format.h>

namespace rekeyd::simulation {

namespace {

/// Invariant 7: the history chain verifies, and the database passes integrity_check, after every crash. What
/// was once durable stays: the chain's head is never behind the last one that a commit gave.
class SoundStorage final : public Rule {
 public:
  using Rule::Rule;

  void committed(storage::Change const& change) override {
    events_ += static_cast<std::int64_t>(change.events.size());
  }

  void left_behind() override {
    auto const report = storage::verify(scene_.settings.database);
    verdicts().require(Invariant::sound_storage, report.has_value(), [&] { return to_text(report.error()); });
    if (!report) return;
    verdicts().require(Invariant::sound_storage, report->sound(), [&] {
      return fmt::format("{} findings, the first: {}", report->findings_total, report->findings.front().what);
    });
    verdicts().require(Invariant::sound_storage, report->events == events_, [&] {
      return fmt::format("history has {} events, but {} were made durable", report->events, events_);
    });
  }
  void at_rest() override { left_behind(); }

 private:
  std::int64_t events_{0};
};

}  // namespace

std::unique_ptr<Rule> make_sound_storage(Scene& scene) { return std::make_unique<SoundStorage>(scene); }

}  // namespace rekeyd::simulation
