#include "tests/simulation/rule.hpp"
#include "tests/simulator/envelope.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

namespace rekeyd::simulation {

namespace {

/// Invariant 3: every WDEK unwraps to its own DEK at all times, and ends on the current version.
class WrappedDeks final : public Rule {
 public:
  WrappedDeks(Scene& scene, DekTruth truth) : Rule(scene), truth_(std::move(truth)) {
    for (auto const& [file, sha256] : truth_.sha256_by_file) check(file);
  }

  void wrote_deks(std::vector<DekId> const& written) override {
    for (DekId const& id : written) check((truth_.folder / id.str()).string());
  }
  void sent(Letter const& letter) override {
    auto const out = scene_.addresses.takes_out_of_use(letter.request, scene_.universe.clock.true_now());
    if (!out) return;
    for (auto const& [file, known] : known_) {
      bool const needed = known.key == out->key && known.version == out->version;
      verdicts().require(Invariant::wrapped_deks, !needed, [&] {
        return fmt::format("rekeyd takes version {} of {} out of use, and {} is wrapped by it", out->version,
                           out->key, file);
      });
    }
  }
  void left_behind() override {
    for (auto const& [file, sha256] : truth_.sha256_by_file) check(file);
    for (auto const& [key, version] : done_) none_older(key, version);
    for (std::string const& key : scene_.on_record.replaced) none_on(key);
  }
  void committed(storage::Change const& change) override {
    for (Rotation const& rotation : change.rotations) {
      if (rotation.state != RotationState::done || !rotation.new_version) continue;
      if (is_replacement(rotation)) none_on(rotation.key.text());
      moved(target_key(rotation).text(), rotation.new_version->str());
    }
    for (HistoryEvent const& event : change.events) {
      if (event.kind == EventKind::drift && event.details.contains("version_before")) followed(event, change);
      if (event.kind == EventKind::version_found && is_by_wish(event, change)) followed(event, change);
    }
  }
  void at_rest() override {
    left_behind();
    for (auto const& [key, truth] : scene_.truth.keys()) all_on(key, truth.current);
  }

 private:
  /// The provider has made what is the current version now, as the policy wants it to: that is no drift.
  bool is_by_wish(HistoryEvent const& found, storage::Change const& change) const {
    auto const maker = found.details.find("made_by");
    if (maker == found.details.end() || maker->second != "provider" || !found.key) return false;
    return std::ranges::any_of(change.keys, [&](storage::StoredKey const& stored) {
      auto const applied = scene_.policy_of(stored.key);
      return stored.key.ref == *found.key && stored.key.current == found.version && applied &&
             applied->mode == Mode::delegate;
    });
  }

  /// That someone else has rotated a key is found once: what takes its WDEKs along is on record from then on.
  void followed(HistoryEvent const& drift, storage::Change const& change) {
    auto const unfinished = [&](Rotation const& rotation) {
      return rotation.key == *drift.key && !rotation.ended;
    };
    Rotation const* const open = scene_.open_rotation(drift.key->text());
    bool const ends = open != nullptr && std::ranges::any_of(change.rotations, [&](Rotation const& now) {
                        return now.id == open->id && now.ended;
                      });
    bool const on_its_way = (open != nullptr && !ends) || std::ranges::any_of(change.rotations, unfinished);
    for (storage::StoredKey const& stored : change.keys) {
      if (stored.key.ref != *drift.key || stored.key.state != KeyState::active) continue;
      auto const applied = scene_.policy_of(stored.key);
      bool const ours_to_act =
          applied && applied->mode != Mode::observe && !stored.key.managed_elsewhere && !stored.replaced;
      verdicts().require(Invariant::wrapped_deks, on_its_way || !ours_to_act, [&] {
        return fmt::format(
            "someone else, or its provider, rotated {}, and nothing on record takes its WDEKs along",
            drift.key->text());
      });
    }
  }

  struct Known {
    std::string text;
    std::string key;
    std::string version;
  };

  /// A file that is word for word as it was when it was last found good is good.
  void check(std::string const& file) {
    std::string text = truth_.disk.text_of(file).value_or("");
    Known& known = known_[file];
    if (!text.empty() && known.text == text) {
      verdicts().require(Invariant::wrapped_deks, true, [] { return std::string(); });
      return;
    }
    boost::system::error_code error;
    auto const parsed = boost::json::parse(text, error);
    auto const envelope =
        !error && parsed.is_object() ? sim::envelope_from_json(parsed.get_object()) : std::nullopt;
    auto const dek = envelope ? truth_.cloud.unwrap_check(*envelope) : std::nullopt;
    verdicts().require(Invariant::wrapped_deks, dek == truth_.sha256_by_file.at(file), [&] {
      return fmt::format("{} {}", file,
                         !envelope ? "is no envelope any more"
                         : !dek    ? "does not unwrap under version " + envelope->key_version
                                   : "holds another DEK");
    });
    if (!envelope) return;
    known = {std::move(text), envelope->provider + "/" + envelope->vault + "/" + envelope->key,
             envelope->key_version};
  }

  void moved(std::string const& key, std::string const& version) {
    all_on(key, version);
    done_[key] = version;
  }

  /// What a rotation that is done has moved stays moved, also over a power cut.
  void none_older(std::string const& key, std::string const& version) {
    TrueVersion const* const done = scene_.truth.find(key, version);
    for (auto const& [file, known] : known_) {
      TrueVersion const* const on = known.key == key ? scene_.truth.find(key, known.version) : nullptr;
      if (done == nullptr || on == nullptr) continue;
      verdicts().require(Invariant::wrapped_deks, on->created >= done->created, [&] {
        return fmt::format("{} is on version {} again: the rotation to {} was done", file, known.version,
                           version);
      });
    }
  }

  /// Another key has taken its place.
  void none_on(std::string const& key) {
    for (auto const& [file, known] : known_) {
      verdicts().require(Invariant::wrapped_deks, known.key != key, [&] {
        return fmt::format("{} is on version {} of {}, which was replaced", file, known.version, key);
      });
    }
  }

  void all_on(std::string const& key, std::string const& version) {
    for (auto const& [file, known] : known_) {
      if (known.key != key) continue;
      verdicts().require(Invariant::wrapped_deks, known.version == version, [&] {
        return fmt::format("{} is on version {}, not on {} like its key", file, known.version, version);
      });
    }
  }

  DekTruth truth_;
  std::map<std::string, std::string> done_;  ///< Key → the version to which its last rotation has moved them.
  std::map<std::string, Known> known_;
};

}  // namespace

std::unique_ptr<Rule> make_wrapped_deks(Scene& scene, DekTruth truth) {
  return std::make_unique<WrappedDeks>(scene, std::move(truth));
}

}  // namespace rekeyd::simulation
