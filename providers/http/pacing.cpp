#include "providers/http/pacing.hpp"

#include <algorithm>
#include <chrono>

namespace rekeyd::providers {
namespace {

using Seconds = std::chrono::duration<double>;

}  // namespace

Pacing::Pacing(double per_second, unsigned burst, Mono now)
    : per_second_(per_second),
      burst_(std::max(1U, burst)),
      tokens_(burst_),
      refilled_(now),
      paused_until_(now) {}

void Pacing::refill(Mono now) {
  if (now <= refilled_) return;
  tokens_ = std::min(burst_, tokens_ + Seconds(now - refilled_).count() * per_second_);
  refilled_ = now;
}

Pacing::Mono Pacing::ready_at(Mono now) {
  if (paused_until_ > now) return paused_until_;
  if (unlimited()) return now;
  refill(now);
  if (tokens_ >= 1) return now;
  // One tick more than computed: rounding down would make the waiter wake just too early, again and again.
  auto const wait = std::chrono::duration_cast<Mono::duration>(Seconds((1 - tokens_) / per_second_));
  return now + wait + Mono::duration(1);
}

void Pacing::start(Mono now) {
  if (unlimited()) return;
  refill(now);
  tokens_ -= 1;
}

void Pacing::pause(Mono now, Mono until) {
  if (until <= std::max(now, paused_until_)) return;
  paused_until_ = until;
  tokens_ = 1;
  refilled_ = until;
}

}  // namespace rekeyd::providers
