#pragma once
#include "policy/instant.hpp"

#include <algorithm>
#include <chrono>
#include <deque>
#include <iterator>
#include <optional>

namespace rekeyd::daemon {

/// Rotations begun in the last hour, against a cap.
class RotationQuota {
 public:
  void begin(Instant now) {
    forget_before(now);
    begun_.push_back(now);
  }

  /// What was begun at `then` has come to nothing.
  void take_back(Instant then) {
    auto const found = std::find(begun_.rbegin(), begun_.rend(), then);
    if (found != begun_.rend()) begun_.erase(std::next(found).base());
  }

  /// When the next rotation may begin under a cap of `per_hour` > 0, if that is later than `now`.
  std::optional<Instant> free_at(Instant now, unsigned per_hour) {
    forget_before(now);
    if (begun_.size() < per_hour) return std::nullopt;
    return begun_[begun_.size() - per_hour] + hour;
  }

 private:
  void forget_before(Instant now) {
    while (!begun_.empty() && begun_.front() + hour <= now) begun_.pop_front();
  }

  static constexpr std::chrono::hours hour{1};
  std::deque<Instant> begun_;  ///< Oldest first.
};

}  // namespace rekeyd::daemon
