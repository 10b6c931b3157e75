#include "tests/simulation/rule.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rekeyd::simulation {

namespace {

/// Invariant 5: no version is retired while anything is on it, and none that is current. Nothing is ever
/// deleted at a provider, and no key is switched off as a whole; a key that another has replaced loses all
/// its versions. (Wrapped DEKs: the rule of invariant 3.)
class Retirement final : public Rule {
 public:
  using Rule::Rule;

  void sent(Letter const& letter) override {
    sim::Request const& request = letter.request;
    bool const deletes = request.method == "DELETE" || request.target.find("/purge") != std::string::npos;
    verdicts().require(Invariant::retirement, !deletes, [&] {
      return fmt::format("rekeyd asks to delete: {} {}", request.method, request.target);
    });
    bool const disables_key = request.target.find("/disable") != std::string::npos;
    verdicts().require(Invariant::retirement, !disables_key, [&] {
      return fmt::format("rekeyd asks to switch off a key: {} {}", request.method, request.target);
    });
    auto const out = scene_.addresses.takes_out_of_use(request, scene_.universe.clock.true_now());
    if (out) require_unused(*out);
  }

 private:
  void require_unused(AddressBook::Version const& out) {
    TrueKey const* const key = scene_.truth.find(out.key);
    bool const replaced = scene_.on_record.replaced.contains(out.key);
    bool const old = key != nullptr && (key->current != out.version || replaced);
    verdicts().require(Invariant::retirement, old, [&] {
      return fmt::format("rekeyd takes the current version {} of {} out of use", out.version, out.key);
    });
    auto const resources = scene_.truth.resources(scene_.universe.clock.true_now());
    for (sim::DesTruth const& set : resources.disk_encryption_sets) {
      verdicts().require(Invariant::retirement, !uses(set, out.version), [&] {
        return fmt::format("rekeyd takes version {} of {} out of use, and {} needs it", out.version, out.key,
                           set.id);
      });
    }
    for (sim::ConsumerTruth const& consumer : resources.consumers) {
      verdicts().require(Invariant::retirement, !uses(consumer, out.version), [&] {
        return fmt::format("rekeyd takes version {} of {} out of use, and {} or its backups need it",
                           out.version, out.key, consumer.id);
      });
    }
  }

  static bool names(std::string const& url, std::vector<std::string> const& more,
                    std::string const& version) {
    auto const is_it = [&](std::string const& each) { return each.ends_with("/" + version); };
    return is_it(url) || std::ranges::any_of(more, is_it);
  }
  static bool uses(sim::DesTruth const& set, std::string const& version) {
    return names(set.active_key, set.previous_keys, version);
  }
  static bool uses(sim::ConsumerTruth const& consumer, std::string const& version) {
    return names(consumer.key, consumer.kept, version);
  }
};

}  // namespace

std::unique_ptr<Rule> make_retirement(Scene& scene) { return std::make_unique<Retirement>(scene); }

}  // namespace rekeyd::simulation
