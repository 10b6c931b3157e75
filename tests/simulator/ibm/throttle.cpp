#include "tests/simulator/ibm/throttle.hpp"

#include <date/date.h>

#include <algorithm>
#include <cmath>

namespace rekeyd::sim::ibm {

bool Throttle::admit(Instant now) {
  if (per_second <= 0) return true;
  if (available < 0) {
    available = burst;
    filled_at = now;
  }
  auto const elapsed = static_cast<double>(std::max<long>((now - filled_at).count(), 0));
  available = std::min(burst, available + elapsed * per_second);
  filled_at = std::max(filled_at, now);
  if (available < 1) return false;
  available -= 1;
  return true;
}

std::optional<std::string> Throttle::hint(Instant now) const {
  if (retry_after == RetryAfter::absent) return std::nullopt;
  auto const wait = std::chrono::seconds(static_cast<long>(std::ceil((1 - available) / per_second)));
  if (retry_after == RetryAfter::seconds) return std::to_string(std::max<long>(wait.count(), 1));
  return date::format("%a, %d %b %Y %H:%M:%S GMT", now + wait);
}

}  // namespace rekeyd::sim::ibm
