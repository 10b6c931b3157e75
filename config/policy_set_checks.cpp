#include "config/policy_set_checks.hpp"

#include "config/name_syntax.hpp"

#include <fmt/format.h>

#include <map>
#include <tuple>

namespace rekeyd::config {

namespace {

using Part = std::optional<std::string>;
using SelectorText = std::tuple<Part, Part, Part, std::map<std::string, std::string>>;

/// Selectors match without regard to case, and a lone "*" says as little as nothing (policy/match.cpp weighs
/// both the same), so they are compared like that.
Part normal(Part const& part) { return part && *part != "*" ? Part(lower_case(*part)) : std::nullopt; }

SelectorText normal(KeySelector const& selector) {
  std::map<std::string, std::string> tags;
  for (auto const& [name, value] : selector.tags) tags.emplace(name, lower_case(value));
  return {normal(selector.provider), normal(selector.vault), normal(selector.key), std::move(tags)};
}

bool selects_something(KeySelector const& selector) { return selector != KeySelector{}; }

}  // namespace

std::vector<Diagnostic> check_policy_set(std::span<RotationPolicy const> policies) {
  std::vector<Diagnostic> found;
  std::map<std::string, RotationPolicy const*> names;
  std::map<SelectorText, RotationPolicy const*> selectors;
  for (RotationPolicy const& policy : policies) {
    if (!policy.name.empty()) {
      auto const [first, is_new] = names.try_emplace(policy.name.str(), &policy);
      if (!is_new) {
        found.push_back({Severity::error,
                         policy.place,
                         "duplicate-name",
                         fmt::format("there is another policy named '{}'", policy.name.str()),
                         "give one of them another name",
                         {first->second->place}});
      }
    }
    // Empty where the match could not be read: that is another mistake, and reported.
    if (!selects_something(policy.match)) continue;
    auto const [first, is_new] = selectors.try_emplace(normal(policy.match), &policy);
    if (!is_new) {
      found.push_back({Severity::error,
                       policy.place,
                       "equal-selectors",
                       fmt::format("the policies '{}' and '{}' claim the same keys: neither could act",
                                   first->second->name.str(), policy.name.str()),
                       "make one match more precise, or join them",
                       {first->second->place}});
    }
  }
  return found;
}

}  // namespace rekeyd::config
