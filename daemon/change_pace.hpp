#pragma once
#include <algorithm>
#include <chrono>

namespace rekeyd::daemon {

/// The pauses between two questions after one change at a provider. Machines may stand still for it, so its
/// end is to be noticed soon; where the provider names a pause, that one is kept. Compute lets one operation,
/// and one machine, be asked about 12 times a minute and 36 times in one go (its throttling page).
class ChangePace {
 public:
  /// `named`: the provider's own; 0: it names none.
  std::chrono::seconds next(std::chrono::seconds named) {
    if (named > std::chrono::seconds(0)) return named;
    return ++brisk_ <= brisk_max ? brisk_pause : steady_pause;
  }

 private:
  static constexpr int brisk_max = 30;
  static constexpr std::chrono::seconds brisk_pause{1};
  static constexpr std::chrono::seconds steady_pause{5};
  int brisk_{};
};

}  // namespace rekeyd::daemon
