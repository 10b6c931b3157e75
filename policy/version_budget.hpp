#pragma once
#include "policy/match.hpp"

#include <optional>
#include <span>

namespace rekeyd {

/// How many versions of a key its provider bears, and how many there are. Versions cannot be deleted one by
/// one, at any provider.
struct VersionBudget {
  std::size_t used{};
  unsigned most{};
  bool hard{};  ///< Beyond it the key cannot be rotated; else something else breaks.
  /// The first rotation for which there is no room, at this cadence; nothing: in more than five years, or
  /// never.
  std::optional<Instant> used_up_at;
  bool operator==(VersionBudget const&) const = default;

  std::size_t left() const { return used >= most ? 0 : most - used; }
  /// A fifth is left, or less, or it ends within two years: time to plan what comes after this key.
  bool tight(Instant now) const;
};

/// `versions_max` and `versions_warning` as the provider says (its capabilities); nothing when it says
/// neither. The hard bound counts where there is one. `applied` null: nobody rotates it.
std::optional<VersionBudget> version_budget(RootKey const& key, std::span<KeyVersion const> versions,
                                            AppliedPolicy const* applied,
                                            std::optional<unsigned> versions_max,
                                            std::optional<unsigned> versions_warning);

}  // namespace rekeyd
