#include "policy/version_budget.hpp"

#include "policy/due.hpp"

#include <algorithm>
#include <chrono>

namespace rekeyd {

namespace {
constexpr std::size_t far_months = 60;
}  // namespace

bool VersionBudget::tight(Instant now) const {
  bool const nearly_full = left() * 5 <= most;
  return nearly_full || (used_up_at && *used_up_at < now + std::chrono::days(730));
}

std::optional<VersionBudget> version_budget(RootKey const& key, std::span<KeyVersion const> versions,
                                            AppliedPolicy const* applied,
                                            std::optional<unsigned> versions_max,
                                            std::optional<unsigned> versions_warning) {
  auto const bound = versions_max ? versions_max : versions_warning;
  if (!bound) return std::nullopt;
  VersionBudget budget;
  budget.used = versions.size();
  budget.hard = versions_max.has_value();
  budget.most = *bound;
  if (applied == nullptr || applied->mode == Mode::observe || versions.empty()) return budget;
  // Calendar dates cost: not for those that nobody need think of yet.
  std::size_t const months = (budget.left() + 1) * static_cast<std::size_t>(applied->every.count());
  if (months <= far_months) budget.used_up_at = due_after(*applied, key.ref, versions, budget.left() + 1);
  return budget;
}

}  // namespace rekeyd
