#pragma once
#include "policy/key.hpp"
#include "policy/rotation_policy.hpp"

#include <compare>
#include <span>
#include <variant>
#include <vector>

namespace rekeyd {

/// How exactly a selector names a key. Compared part by part in this order: key, vault, provider, number of
/// tags. Within a part an exact name beats a pattern, a pattern beats nothing.
struct Precision {
  int key{}, vault{}, provider{}, tags{};
  auto operator<=>(Precision const&) const = default;
};

Precision precision_of(KeySelector const& selector);
bool matches(KeySelector const& selector, RootKey const& key);
/// Whether `pattern` names the whole of `text`, without regard to case.
bool glob_matches(std::string const& pattern, std::string const& text);

/// What one policy says for one key, with its overrides applied.
struct AppliedPolicy {
  RotationPolicy const* policy{};  ///< Lives as long as the PolicySet.
  Months every;
  Mode mode;
  SourcePlace place;              ///< Of the override if one decided, else of the policy.
  MaterialSourceName material{};  ///< Empty: there is none for imported keys.
};

struct NoPolicy {};
/// Two or more policies claim the key with equal precision: none of them may act.
struct PolicyConflict {
  std::vector<RotationPolicy const*> policies;
};
using PolicyMatch = std::variant<NoPolicy, AppliedPolicy, PolicyConflict>;

/// The policy for `key`: the most precise selector wins.
PolicyMatch match_policy(std::span<RotationPolicy const> policies, RootKey const& key);

/// Pairs of policies whose selectors are equal part for part, found without knowing any key. What `check`
/// can say before the daemon has seen the clouds.
std::vector<std::pair<RotationPolicy const*, RotationPolicy const*>> identical_selectors(
    std::span<RotationPolicy const> policies);

}  // namespace rekeyd
