#include "daemon/policy_coverage.hpp"

#include "config/near_word.hpp"
#include "policy/delegation.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

namespace rekeyd::daemon {

namespace {

constexpr std::size_t names_told_max = 20;

using KeysByPolicy = std::map<RotationPolicy const*, std::vector<TrackedKey const*>>;

bool everything_was_listed(World const& world) {
  return std::ranges::all_of(world.providers, [](auto const& provider) {
    return provider.second->health.last_inventory.has_value();
  });
}

KeysByPolicy keys_by_policy(Fleet const& fleet) {
  KeysByPolicy keys;
  for (RotationPolicy const& policy : fleet.policies().policies) keys[&policy];
  for (auto const& [ref, key] : fleet.keys()) {
    if (key.stored.gone) continue;
    if (auto const* applied = std::get_if<AppliedPolicy>(&key.match)) keys[applied->policy].push_back(&key);
  }
  return keys;
}

bool decides(KeyOverride const& exception, TrackedKey const& key) {
  return std::get<AppliedPolicy>(key.match).place == exception.place;
}

std::string unused(RotationPolicy const& policy, KeyOverride const& exception,
                   std::vector<TrackedKey const*> const& keys) {
  std::vector<std::string> names;
  for (TrackedKey const* key : keys) names.push_back(key->stored.key.name);
  std::string const question = config::did_you_mean(exception.key, names);
  return fmt::format(
      "{}: warning: the exception for '{}' decides for none of the keys of policy '{}' "
      "[unused-override]{}{}",
      exception.place.text(), exception.key, policy.name.str(), question.empty() ? "" : "; ", question);
}

}  // namespace

std::vector<std::string> unused_exceptions(World const& world, Fleet const& fleet) {
  std::vector<std::string> told;
  if (!everything_was_listed(world)) return told;
  KeysByPolicy const keys = keys_by_policy(fleet);
  for (RotationPolicy const& policy : fleet.policies().policies) {
    for (KeyOverride const& exception : policy.keys) {
      auto const decides_for = [&](TrackedKey const* key) { return decides(exception, *key); };
      if (std::ranges::any_of(keys.at(&policy), decides_for)) continue;
      told.push_back(unused(policy, exception, keys.at(&policy)));
    }
  }
  return told;
}

std::vector<std::string> two_rotators(Fleet const& fleet) {
  std::map<std::string, std::vector<std::string>> names;
  for (auto const& [ref, key] : fleet.keys()) {
    auto const* applied = std::get_if<AppliedPolicy>(&key.match);
    bool const there = !key.stored.gone && key.stored.key.state != KeyState::destroyed;
    if (applied != nullptr && there && has_two_rotators(*applied, key.stored.key)) {
      names[applied->place.text()].push_back(ref.text());
    }
  }
  std::vector<std::string> told;
  for (auto& [place, keys] : names) {
    std::size_t const count = keys.size();
    bool const more = count > names_told_max;
    if (more) keys.resize(names_told_max);
    told.push_back(
        fmt::format("{}: warning: {} rotated by the provider's own rule too [two-rotators]: {}{}; set mode: "
                    "delegate, or switch "
                    "that rule off at the provider",
                    place, count == 1 ? "1 key is" : fmt::format("{} keys are", count), fmt::join(keys, ", "),
                    more ? fmt::format(" and {} more", count - names_told_max) : ""));
  }
  return told;
}

std::vector<std::string> unused_policies(World const& world, Fleet const& fleet) {
  std::vector<std::string> told;
  if (!everything_was_listed(world)) return told;
  KeysByPolicy const keys = keys_by_policy(fleet);
  for (RotationPolicy const& policy : fleet.policies().policies) {
    if (!keys.at(&policy).empty()) continue;
    told.push_back(
        fmt::format("{}: warning: policy '{}' decides for no key [unused-policy]; see rekeyctl keys",
                    policy.place.text(), policy.name.str()));
  }
  return told;
}

}  // namespace rekeyd::daemon
