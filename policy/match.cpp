#include "policy/match.hpp"

#include <algorithm>
#include <cctype>

#include <fnmatch.h>

namespace rekeyd {

namespace {

// fnmatch's FNM_CASEFOLD is a GNU extension that obeys the process's locale; folding ASCII ourselves keeps
// matching the same on every machine.
std::string folded(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) {
    return c < 0x80 ? static_cast<char>(std::tolower(c)) : static_cast<char>(c);
  });
  return text;
}

bool is_pattern(std::string const& text) { return text.find_first_of("*?[") != std::string::npos; }

int precision_of_part(std::optional<std::string> const& part) {
  if (!part || *part == "*") return 0;
  return is_pattern(*part) ? 1 : 2;
}

bool part_matches(std::optional<std::string> const& part, std::string const& text) {
  return !part || glob_matches(*part, text);
}

bool key_pattern_matches(std::string const& pattern, RootKey const& key) {
  return glob_matches(pattern, key.name) || glob_matches(pattern, key.ref.id.str());
}

/// The override that names `key` best: an exact name before a pattern, then the one written first.
KeyOverride const* override_for(RotationPolicy const& policy, RootKey const& key) {
  KeyOverride const* best = nullptr;
  for (KeyOverride const& candidate : policy.keys) {
    if (!key_pattern_matches(candidate.key, key)) continue;
    if (best == nullptr || (is_pattern(best->key) && !is_pattern(candidate.key))) best = &candidate;
  }
  return best;
}

AppliedPolicy apply(RotationPolicy const& policy, RootKey const& key) {
  AppliedPolicy applied{&policy, policy.every, policy.mode, policy.place, policy.material};
  if (KeyOverride const* exception = override_for(policy, key)) {
    applied.every = exception->every.value_or(policy.every);
    applied.mode = exception->mode.value_or(policy.mode);
    applied.place = exception->place;
    applied.material = exception->material.value_or(policy.material);
  }
  return applied;
}

}  // namespace

Precision precision_of(KeySelector const& selector) {
  return {precision_of_part(selector.key), precision_of_part(selector.vault),
          precision_of_part(selector.provider), static_cast<int>(selector.tags.size())};
}

bool glob_matches(std::string const& pattern, std::string const& text) {
  return ::fnmatch(folded(pattern).c_str(), folded(text).c_str(), FNM_NOESCAPE) == 0;
}

bool matches(KeySelector const& selector, RootKey const& key) {
  if (!part_matches(selector.provider, key.ref.provider.str())) return false;
  if (!part_matches(selector.vault, key.ref.vault.str())) return false;
  if (selector.key && !key_pattern_matches(*selector.key, key)) return false;
  return std::ranges::all_of(selector.tags, [&](auto const& wanted) {
    auto const found = key.tags.find(wanted.first);
    return found != key.tags.end() && glob_matches(wanted.second, found->second);
  });
}

PolicyMatch match_policy(std::span<RotationPolicy const> policies, RootKey const& key) {
  std::vector<RotationPolicy const*> best;
  Precision best_precision;
  for (RotationPolicy const& policy : policies) {
    if (!matches(policy.match, key)) continue;
    Precision const precision = precision_of(policy.match);
    if (best.empty() || precision > best_precision) {
      best.assign(1, &policy);
      best_precision = precision;
    } else if (precision == best_precision) {
      best.push_back(&policy);
    }
  }
  if (best.empty()) return NoPolicy{};
  if (best.size() > 1) return PolicyConflict{std::move(best)};
  return apply(*best.front(), key);
}

std::vector<std::pair<RotationPolicy const*, RotationPolicy const*>> identical_selectors(
    std::span<RotationPolicy const> policies) {
  std::vector<std::pair<RotationPolicy const*, RotationPolicy const*>> pairs;
  for (std::size_t i = 0; i < policies.size(); ++i) {
    for (std::size_t j = i + 1; j < policies.size(); ++j) {
      if (policies[i].match == policies[j].match) pairs.emplace_back(&policies[i], &policies[j]);
    }
  }
  return pairs;
}

}  // namespace rekeyd
