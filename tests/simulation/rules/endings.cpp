#include "tests/simulation/rule.hpp"

#include <fmt/format.h>

#include <deque>
#include <map>

namespace rekeyd::simulation {

namespace {

/// A rotation that is neither done nor blocked after so long in calm will never end.
constexpr auto longest_rotation = std::chrono::hours(72);
/// Far more than a busy day of a few dozen keys takes, far less than a loop that never rests.
constexpr std::uint64_t handlers_a_day_max = 400'000;
/// Back-off doubles from 30 seconds on: seven tries in the first hour, and then one.
constexpr std::size_t failures_an_hour_max = 12;
/// While machines may stand still for it, a step is tried once a minute.
constexpr std::size_t failures_at_rest_an_hour_max = 70;
/// One by the calendar that someone else's rotation makes pointless, the one that follows it, and some on
/// request.
constexpr std::size_t openings_an_hour_max = 4;

/// Invariant 10: a rotation ends, done or blocked with a reason; nothing spins, nothing leaks.
class Endings final : public Rule {
 public:
  Endings(Scene& scene, Network const& network) : Rule(scene), network_(network) {}

  void committed(storage::Change const& change) override {
    for (Rotation const& rotation : change.rotations) {
      bool const silent = rotation.state == RotationState::blocked &&
                          (rotation.blocked_reason.empty() || rotation.message.empty());
      verdicts().require(Invariant::endings, !silent, [&] {
        return fmt::format("rotation {} is blocked without a reason", rotation.id.str());
      });
      if (!scene_.on_record.rotations.contains(rotation.id.str())) opened(rotation);
    }
    for (storage::StepRecord const& step : change.steps) {
      if (step.ended_at && step.outcome == "again") failed(step);
    }
  }

  void looked_around() override {
    auto const now = scene_.universe.clock.mono_now();
    for (auto const& [key, ids] : scene_.on_record.open_of) {
      for (std::string const& id : ids) ends(scene_.on_record.rotations.at(id), now);
    }
    if (now - day_began_ < std::chrono::hours(24)) return;
    std::uint64_t const handlers = scene_.universe.trace.handlers() - handlers_then_;
    auto const days = static_cast<std::uint64_t>((now - day_began_) / std::chrono::hours(24));
    verdicts().require(Invariant::endings, handlers <= handlers_a_day_max * days, [&] {
      return fmt::format("{} handlers ran in {} virtual days: something spins", handlers, days);
    });
    day_began_ = now;
    handlers_then_ = scene_.universe.trace.handlers();
  }

  void ended_in_order() override {
    std::size_t const left =
        scene_.universe.ready.size() + scene_.universe.clock.sleepers() + network_.waiting();
    verdicts().require(Invariant::endings, left == 0, [&] {
      return fmt::format("after the end {} handlers are ready, {} coroutines sleep and {} wait for an answer",
                         scene_.universe.ready.size(), scene_.universe.clock.sleepers(), network_.waiting());
    });
  }

  void at_rest() override {
    for (auto const& [key, ids] : scene_.on_record.open_of) {
      for (std::string const& id : ids) {
        Rotation const& rotation = scene_.on_record.rotations.at(id);
        verdicts().fail(Invariant::endings,
                        fmt::format("rotation {} of {} is {} at step {} after days of peace: {}", id, key,
                                    to_text(rotation.state), to_text(rotation.step), rotation.message));
      }
    }
  }

 private:
  using Moments = std::deque<providers::Clock::Mono>;

  /// How many within the last hour, this one included.
  std::size_t one_more(Moments& moments) const {
    auto const now = scene_.universe.clock.mono_now();
    while (!moments.empty() && moments.front() + std::chrono::hours(1) <= now) moments.pop_front();
    moments.push_back(now);
    return moments.size();
  }

  void opened(Rotation const& rotation) {
    std::size_t const openings = one_more(openings_[rotation.key.text()]);
    verdicts().require(Invariant::endings, openings <= openings_an_hour_max, [&] {
      return fmt::format("{} rotations of {} were opened within an hour", openings, rotation.key.text());
    });
  }

  void failed(storage::StepRecord const& step) {
    std::size_t const failures = one_more(failures_[step.rotation.str()]);
    std::size_t const most = holds_machines(step.step) ? failures_at_rest_an_hour_max : failures_an_hour_max;
    verdicts().require(Invariant::endings, failures <= most, [&] {
      return fmt::format("rotation {} failed {} times within an hour, now at step {}: {}",
                         step.rotation.str(), failures, to_text(step.step), step.message);
    });
  }

  void ends(Rotation const& rotation, providers::Clock::Mono now) {
    auto const calm = scene_.calm_since.find(rotation.key.provider.str());
    bool const was_calm = calm != scene_.calm_since.end() && now - calm->second > longest_rotation;
    TrueKey const* const truth = scene_.truth.find(rotation.key.text());
    if (!was_calm || rotation.state != RotationState::open || truth == nullptr || !truth->usable) return;
    Instant const since = rotation.opened;
    verdicts().require(Invariant::endings, since + longest_rotation > scene_.universe.clock.true_now(), [&] {
      return fmt::format("rotation {} of {} has been open since {}, at step {}: {}", rotation.id.str(),
                         rotation.key.text(), to_rfc3339(since), to_text(rotation.step), rotation.message);
    });
  }

  Network const& network_;
  std::map<std::string, Moments> openings_;  ///< By key.
  std::map<std::string, Moments> failures_;  ///< By rotation.
  providers::Clock::Mono day_began_{};
  std::uint64_t handlers_then_{0};
};

}  // namespace

std::unique_ptr<Rule> make_endings(Scene& scene, Network const& network) {
  return std::make_unique<Endings>(scene, network);
}

}  // namespace rekeyd::simulation
