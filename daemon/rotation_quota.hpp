#pragma once
#include "policy/instant.hpp"

#include <deque>
#include <optional>
#include <vector>

namespace rekeyd::daemon {

/// The cap of rotations begun in any hour. Starts from what the journal remembers, so a restart does not
/// open the tap again.
class RotationQuota {
 public:
  RotationQuota(unsigned per_hour, std::vector<Instant> begun)
      : per_hour_(per_hour), begun_(begun.begin(), begun.end()) {}

  void begin(Instant now) { begun_.push_back(now); }

  /// When the next rotation may begin, if that is later than `now`.
  std::optional<Instant> free_at(Instant now) {
    while (!begun_.empty() && begun_.front() + hour <= now) begun_.pop_front();
    if (begun_.size() < per_hour_) return std::nullopt;
    return begun_[begun_.size() - per_hour_] + hour;
  }

 private:
  static constexpr std::chrono::hours hour{1};
  unsigned per_hour_;
  std::deque<Instant> begun_;  ///< Oldest first.
};

}  // namespace rekeyd::daemon
