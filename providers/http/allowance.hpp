#pragma once
#include "providers/system/clock.hpp"

#include <chrono>
#include <cstdint>
#include <deque>

namespace rekeyd::providers {

/// What a service publishes of one class of requests, in units of work: a heavy request takes several.
struct PublishedLimit {
  enum class Kind {
    window,  ///< No more than `units` in any stretch of `within`.
    bucket,  ///< `units` at once, of which `refill` flow back in every `within`.
  };
  Kind kind{Kind::window};
  std::int64_t units{};
  std::int64_t refill{};
  std::chrono::seconds within{};

  static constexpr PublishedLimit window(std::int64_t units, std::chrono::seconds within) {
    return {Kind::window, units, units, within};
  }
  static constexpr PublishedLimit bucket(std::int64_t units, std::int64_t refill,
                                         std::chrono::seconds within) {
    return {Kind::bucket, units, refill, within};
  }
};

/// Our share of one published limit: when a request that draws on it may be sent. Pure bookkeeping; moments
/// are arguments. Precondition of every call: `now` does not go back.
///
/// A window can never be overdrawn, however the service lays its own window, fixed or sliding, and however
/// long requests travel. The service counts a request at some moment between its sending and its answer, so
/// it takes up room here from its sending until `within` after its answer. Let j be the last request sent of
/// all those that the service counts within one stretch of `within`. Each other one, i, was counted less than
/// `within` before j, so its answer came less than `within` before j was sent or not at all before: when j
/// was sent, all of them took up room together, and together they had room.
///
/// Beside that, requests are spread evenly over time, with a twentieth of the window in hand for what comes
/// late: whoever else uses the service need not meet ours in one heap. A bucket is kept by this spreading
/// alone, its whole size in hand.
class Allowance {
 public:
  using Mono = Clock::Mono;

  /// `percent` of the limit is ours; more than 100 where the service has granted more than it publishes.
  Allowance(PublishedLimit const& limit, unsigned percent, Mono now);

  /// When a request of that cost may be sent; `now` if at once; Mono::max() if not before an answer has come
  /// to one that is under way. One that costs more than all there is goes alone, and as rarely as it costs.
  Mono ready_at(Mono now, std::int64_t cost);
  /// It is sent now. Only if ready_at(now, cost) <= now.
  void start(Mono now, std::int64_t cost);
  /// Its answer has come, or nobody waits for it any more.
  void answered(Mono now, std::int64_t cost);
  /// An answer showed that its request cost more than was thought.
  void add(Mono now, std::int64_t cost);
  /// A bucket: the service says how many units it has left. What lies beyond our share is for others.
  void told(Mono now, std::int64_t remaining);
  /// Nothing is sent before `until`.
  void hold(Mono until);
  /// The service refused a request as too many although we kept the limit: others use it, too. Nothing is
  /// sent before `until`, and half as much for a while: again and again down to a sixteenth, then up by a
  /// quarter every half minute without a refusal.
  void refused(Mono now, Mono until);

  /// Somebody else with the same limit wants less of it taken: the least counts.
  void lower_share(unsigned percent);
  unsigned percent() const { return percent_; }
  /// Whatever was taken has flowed back, and nothing is held or lowered: as good as new.
  bool idle(Mono now);
  /// Units a second at present.
  double per_second() const;

 private:
  struct Spent {
    Mono until;
    std::int64_t units;
  };

  double share() const { return percent_ / 100.0 * factor_; }
  std::int64_t capacity() const;
  double in_hand() const;  ///< Units that may go at once.
  Mono::duration time_of(double units) const;
  Mono even_at(Mono now, std::int64_t cost) const;
  Mono room_at(Mono now, std::int64_t cost);
  void forget_spent(Mono now);
  void recover(Mono now);

  PublishedLimit limit_;
  unsigned percent_;
  double factor_{1};   ///< Less after refusals.
  Mono factor_since_;  ///< Its last change.
  Mono even_from_;     ///< Up to here the evenly spread units are used.
  Mono held_until_;
  std::int64_t under_way_{0};
  std::deque<Spent> spent_;  ///< Window: what was answered, in order of `until`.
  std::int64_t spent_units_{0};
};

}  // namespace rekeyd::providers
