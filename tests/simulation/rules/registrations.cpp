#include "tests/simulation/rule.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace rekeyd::simulation {

namespace {

/// As IBM documents it for its services.
constexpr auto slowest_resource = std::chrono::hours(4);

/// To invariant 2: whatever others change of a key's registrations is told when it goes on record, and what
/// is on record is in the end what the clouds hold.
class Registrations final : public Rule {
 public:
  using Rule::Rule;

  void committed(storage::Change const& change) override {
    for (Registration const& registration : change.registrations) {
      auto& known = on_record_[registration.key.text()];
      TrueRegistration const now{registration.version ? registration.version->str() : "",
                                 registration.prevents_deletion};
      auto const before = known.find(registration.resource.str());
      bool const same = before != known.end() && before->second == now;
      if (!same) told(change, registration);
      known[registration.resource.str()] = now;
    }
    for (Registration const& gone : change.registrations_gone) {
      told(change, gone);
      on_record_[gone.key.text()].erase(gone.resource.str());
    }
  }

  void at_rest() override {
    Instant const now = scene_.universe.clock.true_now();
    scene_.truth.look(now, Maker::provider);
    for (auto const& [key, truth] : scene_.truth.keys()) {
      if (truth.versions.empty()) continue;
      Known known = on_record_[key];
      // What Azure's resources use is no registration at the key: the resources themselves tell.
      std::erase_if(known, [](auto const& tie) { return tie.first.starts_with('/'); });
      // Resources follow a rotation by themselves: how far they are is known from the next look on.
      Instant const settled =
          truth.versions.back().created + slowest_resource + scene_.settings.inventory_every;
      bool const just_rotated = settled > now;
      bool const same = just_rotated ? std::ranges::equal(known, truth.registrations, same_tie)
                                     : known == truth.registrations;
      verdicts().require(Invariant::version_history, same, [&] {
        return fmt::format("{} has registrations {} after days of peace, but on record are {}", key,
                           words(truth.registrations), words(known));
      });
    }
    for (sim::DesTruth const& set : scene_.truth.resources(now).disk_encryption_sets) {
      as_on_record(set.id, set.active_key);
    }
    for (sim::ConsumerTruth const& consumer : scene_.truth.resources(now).consumers) {
      as_on_record(consumer.id, consumer.key);
    }
  }

 private:
  using Known = std::map<std::string, TrueRegistration>;

  void as_on_record(std::string const& resource, std::string const& url) {
    for (auto const& [key, known] : on_record_) {
      auto const tie = known.find(resource);
      if (tie == known.end()) continue;
      verdicts().require(Invariant::version_history, url.ends_with("/" + tie->second.version), [&] {
        return fmt::format("{} is on {} after days of peace, and on record on {}", resource, url,
                           tie->second.version);
      });
    }
  }

  static bool same_tie(Known::value_type const& a, Known::value_type const& b) {
    return a.first == b.first && a.second.prevents_deletion == b.second.prevents_deletion;
  }

  void told(storage::Change const& change, Registration const& registration) {
    auto const tells = [&](HistoryEvent const& event) {
      auto const resource = event.details.find("resource");
      return event.key == registration.key && resource != event.details.end() &&
             resource->second == registration.resource.str();
    };
    verdicts().require(Invariant::version_history, std::ranges::any_of(change.events, tells), [&] {
      return fmt::format("the registration of {} at {} changed on record and no event tells of it",
                         registration.resource.str(), registration.key.text());
    });
  }

  static std::string words(Known const& registrations) {
    std::string all;
    for (auto const& [resource, tie] : registrations)
      all += fmt::format("{}{} on {}{}", all.empty() ? "" : ", ", resource, tie.version,
                         tie.prevents_deletion ? " (prevents deletion)" : "");
    return "[" + all + "]";
  }

  std::map<std::string, Known> on_record_;
};

}  // namespace

std::unique_ptr<Rule> make_registrations(Scene& scene) { return std::make_unique<Registrations>(scene); }

}  // namespace rekeyd::simulation
