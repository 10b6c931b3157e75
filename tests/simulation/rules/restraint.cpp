#include "tests/simulation/rule.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>

namespace rekeyd::simulation {

namespace {

constexpr auto ibm_pause = std::chrono::hours(1);

/// Invariant 6: never two rotations of one key at once, never inside a freeze or outside a window (both are
/// closed times here), never over a provider's floor or our brakes.
class Restraint final : public Rule {
 public:
  Restraint(Scene& scene, std::vector<ClosedTime> closed) : Rule(scene), closed_(std::move(closed)) {}

  void committed(storage::Change const& change) override {
    for (Rotation const& rotation : change.rotations) {
      if (scene_.on_record.rotations.contains(rotation.id.str())) continue;
      Rotation const* const open = scene_.open_rotation(rotation.key.text());
      verdicts().require(Invariant::restraint, open == nullptr || ends_with(change, *open), [&] {
        return fmt::format("rotation {} of {} began while {} is {}", rotation.id.str(), rotation.key.text(),
                           open->id.str(), to_text(open->state));
      });
      if (rotation.trigger == Trigger::cryptoperiod) began_one(rotation.opened);
    }
  }

  void sent(Letter const& letter) override {
    std::size_t const at_work = scene_.on_record.intended.size();
    verdicts().require(Invariant::restraint, at_work <= scene_.settings.rotations.in_flight, [&] {
      return fmt::format("{} rotations are in flight; the cap is {}", at_work,
                         scene_.settings.rotations.in_flight);
    });
    if (letter.key.empty()) return;
    require_open_time(letter.key);
    Place const* const place = scene_.addresses.of_key(letter.key);
    auto const made = made_.find(letter.key);
    if (place == nullptr || place->azure || made == made_.end()) return;
    verdicts().require(Invariant::restraint, letter.sent - made->second >= ibm_pause, [&] {
      return "a second rotation of " + letter.key + " was asked for within the provider's hour";
    });
  }

  void arrived(Letter const&, sim::Delivery const&, std::vector<Truth::NewVersion> const& made) override {
    for (Truth::NewVersion const& fresh : made) made_[fresh.key] = scene_.universe.clock.mono_now();
  }

 private:
  /// One may take another's place in one transaction.
  static bool ends_with(storage::Change const& change, Rotation const& open) {
    return std::ranges::any_of(
        change.rotations, [&](Rotation const& now) { return now.id == open.id && now.ended.has_value(); });
  }

  void require_open_time(std::string const& key) {
    Instant const now = scene_.universe.clock.true_now();
    auto const shut = std::ranges::find_if(closed_, [&](ClosedTime const& closed) {
      return closed.from <= now && now < closed.to && glob_matches(closed.key, key);
    });
    verdicts().require(Invariant::restraint, shut == closed_.end(), [&] {
      return fmt::format("a rotation of {} was asked for at {}; it is closed until {}", key, to_rfc3339(now),
                         to_rfc3339(shut->to));
    });
  }

  /// What a crash had put on record, and only the next life finds there, began when it was opened.
  void began_one(Instant opened) {
    auto const now = scene_.universe.clock.mono_now();
    auto const age = std::max(scene_.universe.clock.wall_now() - opened, std::chrono::seconds(0));
    // The daemon's hour is its wall clock's, which may be set forward in its course.
    auto const hour = std::chrono::hours(1) - 2 * scene_.clock_error_max;
    while (!began_.empty() && began_.front() + hour <= now) began_.pop_front();
    if (age >= hour) return;
    began_.insert(std::ranges::upper_bound(began_, now - age), now - age);
    verdicts().require(Invariant::restraint, began_.size() <= scene_.settings.rotations.per_hour, [&] {
      return fmt::format("{} rotations began within an hour; the cap is {}", began_.size(),
                         scene_.settings.rotations.per_hour);
    });
  }

  std::map<std::string, providers::Clock::Mono> made_;
  std::deque<providers::Clock::Mono> began_;
  std::vector<ClosedTime> closed_;
};

}  // namespace

std::unique_ptr<Rule> make_restraint(Scene& scene, std::vector<ClosedTime> closed) {
  return std::make_unique<Restraint>(scene, std::move(closed));
}

}  // namespace rekeyd::simulation
