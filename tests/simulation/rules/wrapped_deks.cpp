#include "tests/simulation/rule.hpp"
#include "tests/simulator/envelope.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

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
  void left_behind() override {
    for (auto const& [file, sha256] : truth_.sha256_by_file) check(file);
  }
  void committed(storage::Change const& change) override {
    for (Rotation const& rotation : change.rotations) {
      if (rotation.state == RotationState::done && rotation.new_version)
        all_on(rotation.key.text(), rotation.new_version->str());
    }
  }
  void at_rest() override {
    left_behind();
    for (auto const& [key, truth] : scene_.truth.keys()) all_on(key, truth.current);
  }

 private:
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

  void all_on(std::string const& key, std::string const& version) {
    for (auto const& [file, known] : known_) {
      if (known.key != key) continue;
      verdicts().require(Invariant::wrapped_deks, known.version == version, [&] {
        return fmt::format("{} is on version {}, not on {} like its key", file, known.version, version);
      });
    }
  }

  DekTruth truth_;
  std::map<std::string, Known> known_;
};

}  // namespace

std::unique_ptr<Rule> make_wrapped_deks(Scene& scene, DekTruth truth) {
  return std::make_unique<WrappedDeks>(scene, std::move(truth));
}

}  // namespace rekeyd::simulation
