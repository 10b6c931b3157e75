#include "tests/simulation/rule.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace rekeyd::simulation {

namespace {

/// After so long in calm nothing excuses a key that is still due.
constexpr auto patience = std::chrono::hours(48);

/// Invariant 1: no due date makes two key versions, none is skipped while the provider is in reach.
class DueDates final : public Rule {
 public:
  using Rule::Rule;

  void committed(storage::Change const& change) override {
    for (Rotation const& rotation : change.rotations) {
      if (!scene_.on_record.rotations.contains(rotation.id.str())) opened(rotation);
    }
  }

  /// That it goes out is on record before it does: after a crash nothing else could tell that it may arrive.
  void sent(Letter const& letter) override {
    if (letter.key.empty()) return;
    auto const rotation = scene_.on_record.rotations.find(letter.rotation);
    bool const intended = rotation != scene_.on_record.rotations.end() && rotation->second.sent.has_value();
    verdicts().require(Invariant::due_dates, intended, [&] {
      return fmt::format("a request to rotate {} went out before its intent was on record", letter.key);
    });
  }

  void arrived(Letter const& letter, sim::Delivery const&,
               std::vector<Truth::NewVersion> const& made) override {
    for (Truth::NewVersion const& fresh : made) {
      if (fresh.version.maker == Maker::daemon) count(letter, fresh);
    }
  }

  void looked_around() override {
    if (!scene_.reports) return;
    for (daemon::KeyReport const& report : scene_.reports()) not_skipped(report);
  }

  void at_rest() override {
    Instant const now = scene_.universe.clock.wall_now();
    for (daemon::KeyReport const& report : scene_.reports()) {
      bool const watched = report.verdict.status == KeyStatus::observed;
      bool const theirs = is_delegated(report.key.text());
      auto const patient = theirs ? patience : std::chrono::hours(6);
      bool const late = !watched && report.verdict.due && *report.verdict.due + patient < now;
      verdicts().require(Invariant::due_dates, !late, [&] {
        return fmt::format("{} is {} after days of peace: {}", report.key.text(),
                           to_text(report.verdict.status), report.verdict.sentence);
      });
    }
  }

 private:
  /// A rotation by the calendar begins on or after the day that its base version names.
  void opened(Rotation const& rotation) {
    if (rotation.trigger != Trigger::cryptoperiod || !rotation.base_version) return;
    std::string const key = rotation.key.text();
    auto const off = scene_.universe.clock.skew();
    verdicts().require(Invariant::due_dates, std::chrono::abs(off) <= scene_.clock_error_max, [&] {
      return fmt::format("a rotation of {} by the calendar began by a clock that is {} s off", key,
                         off.count());
    });
    auto const known = scene_.on_record.keys.find(key);
    if (known == scene_.on_record.keys.end()) return;
    auto const applied = scene_.policy_of(known->second);
    verdicts().require(Invariant::due_dates, !is_delegated(key), [&] {
      return fmt::format("a rotation of {} began, which is its provider's to rotate", key);
    });
    auto const due = applied ? scene_.due(key, rotation.base_version->str(), *applied) : std::nullopt;
    Instant const latest = scene_.universe.clock.true_now() + scene_.clock_error_max;
    verdicts().require(Invariant::due_dates, due && *due <= latest, [&] {
      return fmt::format("a rotation of {} by the calendar began, but it is due {}", key,
                         due ? to_rfc3339(*due) : "never");
    });
  }

  void count(Letter const& letter, Truth::NewVersion const& fresh) {
    auto const& made_before = made_[letter.rotation];
    verdicts().require(Invariant::due_dates, !letter.rotation.empty(), [&] {
      return fmt::format("version {} of {} was made without an open rotation on record", fresh.version.id,
                         fresh.key);
    });
    verdicts().require(Invariant::due_dates, made_before.empty(), [&] {
      return fmt::format("rotation {} of {} made a second version, {}, beside {}", letter.rotation, fresh.key,
                         fresh.version.id, made_before);
    });
    made_[letter.rotation] = fresh.version.id;
    auto const rotation = scene_.on_record.rotations.find(letter.rotation);
    if (rotation == scene_.on_record.rotations.end() || !rotation->second.base_version) return;
    if (rotation->second.trigger != Trigger::cryptoperiod) return;
    was_due(rotation->second, fresh);
    auto const [place, first] =
        from_base_.try_emplace({fresh.key, rotation->second.base_version->str()}, fresh.version.id);
    verdicts().require(Invariant::due_dates, first, [&] {
      return fmt::format("the due date of {} after version {} made two versions, {} and {}", fresh.key,
                         rotation->second.base_version->str(), place->second, fresh.version.id);
    });
  }

  /// The base version is the one that the claim has read: had someone rotated the key since it was last seen,
  /// it would not be due.
  void was_due(Rotation const& rotation, Truth::NewVersion const& fresh) {
    auto const known = scene_.on_record.keys.find(fresh.key);
    bool const policies_edited = rotation.opened <= scene_.policies_since + scene_.clock_error_max;
    if (policies_edited || known == scene_.on_record.keys.end()) return;
    auto const applied = scene_.policy_of(known->second);
    auto const due = applied ? scene_.due(fresh.key, rotation.base_version->str(), *applied) : std::nullopt;
    if (!due) return;
    Instant const latest = scene_.universe.clock.true_now() + scene_.clock_error_max;
    verdicts().require(Invariant::due_dates, *due <= latest, [&] {
      return fmt::format("rotation {} made version {} of {}, which is due {}", rotation.id.str(),
                         fresh.version.id, fresh.key, to_rfc3339(*due));
    });
  }

  void not_skipped(daemon::KeyReport const& report) {
    std::string const key = report.key.text();
    KeyStatus const status = report.verdict.status;
    // Blocked and observed say why; a person has been told.
    bool const excused = status == KeyStatus::blocked || status == KeyStatus::observed;
    TrueKey const* const truth = scene_.truth.find(key);
    auto const known = scene_.on_record.keys.find(key);
    if (excused || truth == nullptr || !truth->usable || !truth->root || known == scene_.on_record.keys.end())
      return;
    auto const applied = scene_.policy_of(known->second);
    auto const calm = scene_.calm_since.find(report.key.provider.str());
    bool const was_calm =
        calm != scene_.calm_since.end() && scene_.universe.clock.mono_now() - calm->second > patience;
    if (!applied || !was_calm) return;
    if (applied->mode == Mode::delegate) noticed(*truth, known->second);
    if (applied->mode != Mode::enforce) return;
    auto const due = scene_.due(key, truth->current, *applied);
    if (!due) return;
    // An edit of the policies may make due what was not.
    Instant const since = std::max(*due + applied->policy->spread, scene_.policies_since);
    verdicts().require(Invariant::due_dates, since + patience > scene_.universe.clock.true_now(), [&] {
      return fmt::format("{} was due {} and in reach all the time, but is {}: {}", key, to_rfc3339(*due),
                         to_text(status), report.verdict.sentence);
    });
  }

  bool is_delegated(std::string const& key) const {
    auto const known = scene_.on_record.keys.find(key);
    if (known == scene_.on_record.keys.end()) return false;
    auto const applied = scene_.policy_of(known->second);
    return applied && applied->mode == Mode::delegate;
  }

  /// What the provider has made of a key that is its own to rotate is known soon after.
  void noticed(TrueKey const& truth, RootKey const& known) {
    bool const fresh = truth.versions.back().created + patience > scene_.universe.clock.true_now();
    bool const same = known.current && known.current->str() == truth.current;
    verdicts().require(Invariant::due_dates, fresh || same, [&] {
      return fmt::format("{} has version {} since {}, which is not on record", known.ref.text(),
                         truth.current, to_rfc3339(truth.versions.back().created));
    });
  }

  std::map<std::string, std::string> made_;  ///< Rotation → the version that it made.
  std::map<std::pair<std::string, std::string>, std::string> from_base_;
};

}  // namespace

std::unique_ptr<Rule> make_due_dates(Scene& scene) { return std::make_unique<DueDates>(scene); }

}  // namespace rekeyd::simulation
