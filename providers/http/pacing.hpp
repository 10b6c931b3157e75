#pragma once
#include "providers/system/clock.hpp"

namespace rekeyd::providers {

/// When requests of one provider instance may start: a token bucket with a pause. Pure bookkeeping; moments
/// are arguments. Precondition of every call: `now` does not go back.
class Pacing {
 public:
  using Mono = Clock::Mono;

  /// `per_second` <= 0: no limit but pauses.
  Pacing(double per_second, unsigned burst, Mono now);

  /// When the next request may start; `now` if at once.
  Mono ready_at(Mono now);
  /// One request starts now. Only if ready_at(now) <= now.
  void start(Mono now);
  /// Nothing starts before `until`. The bucket begins anew there with one request: a service that said "too
  /// much" does not get a whole burst as its first greeting.
  void pause(Mono now, Mono until);

 private:
  bool unlimited() const { return per_second_ <= 0; }
  void refill(Mono now);

  double per_second_;
  double burst_;
  double tokens_;
  Mono refilled_;
  Mono paused_until_;
};

}  // namespace rekeyd::providers
