#include "policy/upkeep.hpp"

#include "policy/calendar.hpp"
#include "policy/provider_rotation.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rekeyd {

namespace {

template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};

/// A key that another has taken the place of is kept as it is, but for versions that go out of use.
bool may_act(UpkeepFacts const& facts) {
  return facts.applied.mode != Mode::observe && !facts.rotation_unfinished && !facts.key.managed_elsewhere &&
         facts.key.state == KeyState::active && facts.key.current && !facts.versions.empty();
}

/// The policy's interval, where the provider does not rotate at just that.
std::optional<SetProviderRotation> provider_rotation_task(UpkeepFacts const& facts) {
  if (facts.applied.mode != Mode::delegate || !facts.can.provider_rotation) return std::nullopt;
  // Where it has not been told: setting what may be there already is no state.
  if (!facts.key.provider_rotation || facts.key.origin == Origin::imported) return std::nullopt;
  std::optional<std::chrono::days> month;
  if (facts.can.month_days) month = std::chrono::days(*facts.can.month_days);
  if (rotates_as_asked(facts.key, facts.applied.every, month)) return std::nullopt;
  return SetProviderRotation{facts.applied.every, month};
}

std::optional<SetVersionExpiry> expiry_task(UpkeepFacts const& facts) {
  auto const& months = facts.applied.policy->upkeep.versions_expire_after;
  if (!months || !facts.can.version_expiry) return std::nullopt;
  KeyVersion const& current = facts.versions.back();
  if (current.id != facts.key.current) return std::nullopt;
  Zone const zone = facts.applied.policy->zone;
  Instant const created[] = {current.created};
  unsigned const day = anchor_day(created, facts.applied.every, zone);
  Instant const wanted = add_months(current.created, months->count(), day, zone);
  // An expiry that has passed would take the key out of use at this moment: that is for a rotation to mend.
  bool const set = current.expires && *current.expires <= wanted;
  if (set || wanted <= facts.now) return std::nullopt;
  return SetVersionExpiry{current.id, wanted};
}

std::optional<TagRotation> tag_task(UpkeepFacts const& facts) {
  bool const wanted = facts.applied.policy->upkeep.tag_rotations && facts.can.tags;
  // A key's first version is no rotation.
  if (!wanted || facts.versions.size() < 2) return std::nullopt;
  KeyVersion const& current = facts.versions.back();
  if (current.id != facts.key.current) return std::nullopt;
  auto const tag = facts.key.tags.find(rotated_at_tag);
  if (tag != facts.key.tags.end() && tag->second == to_rfc3339(current.created)) return std::nullopt;
  return TagRotation{current.id, current.created};
}

bool in_use(KeyVersion const& version, RetireBy by, Instant now) {
  if (by == RetireBy::disabling) return version.enabled;
  return version.enabled && (!version.expires || *version.expires > now);
}

std::string held_by(UpkeepFacts const& facts, Dependants const& dependants, VersionId const& version) {
  if (facts.rotation_unfinished) return "a rotation of the key is not finished";
  if (!dependants.unknown.empty()) return dependants.unknown;
  auto const user = std::ranges::find_if(
      dependants.registrations, [](Registration const& each) { return each.following != Following::past; });
  if (facts.replaced && user != dependants.registrations.end()) {
    return fmt::format("{} uses the key", user->resource.str());
  }
  for (Registration const& each : dependants.registrations) {
    std::string const& id = each.resource.str();
    if (each.following == Following::past) {
      if (each.version && each.version != version) continue;
      return fmt::format("{} keeps what only it can read, like backups", id);
    }
    if (each.following == Following::never) {
      return fmt::format("{} is set up for one version of the key for good", id);
    }
    if (!each.version) return fmt::format("{} does not tell which version it uses", id);
    if (each.version == version) return fmt::format("{} uses it", id);
    if (each.version != facts.key.current) return fmt::format("{} is not on the current version", id);
    if (each.condition) return fmt::format("{}: {}", id, each.condition->sentence);
  }
  return {};
}

}  // namespace

bool tells_of_rotation(std::string_view tag) { return tag == rotated_at_tag || tag == rotated_by_tag; }

std::vector<UpkeepTask> upkeep_tasks(UpkeepFacts const& facts) {
  std::vector<UpkeepTask> tasks;
  if (facts.replaced || !may_act(facts)) return tasks;
  if (auto task = provider_rotation_task(facts)) tasks.emplace_back(*task);
  if (auto task = expiry_task(facts)) tasks.emplace_back(*task);
  if (auto task = tag_task(facts)) tasks.emplace_back(*task);
  return tasks;
}

std::vector<Retirement> retirements(UpkeepFacts const& facts, Dependants const& dependants) {
  std::vector<Retirement> all;
  auto const& rules = facts.applied.policy->upkeep.retire;
  bool const possible =
      rules && (rules->by == RetireBy::expiry ? facts.can.version_expiry : facts.can.disabling);
  UpkeepFacts at_rest = facts;
  at_rest.rotation_unfinished = false;
  if (!possible || !may_act(at_rest) || facts.versions.back().id != facts.key.current) return all;
  // Of a key that another has taken the place of, none is needed any more.
  std::size_t const kept = facts.replaced ? 0 : 1;
  for (std::size_t i = 0; i + kept < facts.versions.size(); ++i) {
    KeyVersion const& version = facts.versions[i];
    if (!in_use(version, rules->by, facts.now)) continue;
    bool const was_current = i + 1 == facts.versions.size();
    Instant const superseded = was_current ? facts.replaced->at : facts.versions[i + 1].created;
    Instant const from = superseded + rules->after;
    all.push_back({version.id, rules->by, from, held_by(facts, dependants, version.id)});
  }
  return all;
}

std::string to_text(UpkeepTask const& task) {
  return std::visit(
      Overloaded{[](SetProviderRotation const& set) {
                   return fmt::format("the provider's own rotation, every {} months", set.every.count());
                 },
                 [](SetVersionExpiry const& set) {
                   return fmt::format("expiry of version {} on {}", set.version.str(),
                                      to_rfc3339(set.expires));
                 },
                 [](TagRotation const& set) {
                   return fmt::format("tags of the rotation of {}", to_rfc3339(set.rotated));
                 },
                 [](RetireVersion const& set) {
                   return fmt::format("retirement of version {} by {}", set.version.str(), to_text(set.by));
                 }},
      task);
}

}  // namespace rekeyd
