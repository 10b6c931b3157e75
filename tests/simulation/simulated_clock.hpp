#pragma once
#include "providers/system/clock.hpp"
#include "tests/simulation/waiting_room.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

namespace rekeyd::simulation {

/// The time of the whole simulated world. It goes on over crashes, and stands still until somebody lets it
/// pass. The clouds live in true time; the daemon reads its host's wall clock, which people and time servers
/// step.
class SimulatedClock final : public providers::Clock {
 public:
  SimulatedClock(Instant begin, ReadyWork& ready) : begin_(begin), sleepers_(ready), watchers_(ready) {}

  Instant true_now() const { return begin_ + std::chrono::floor<std::chrono::seconds>(mono_ - start); }
  Instant wall_now() const override { return true_now() + skew_; }
  Mono mono_now() const override { return mono_; }
  boost::asio::awaitable<void> sleep_until(Mono when) override;
  boost::asio::awaitable<void> sleep_until_or_cancelled(Mono when) override;
  boost::asio::awaitable<void> clock_set() override;

  std::chrono::seconds skew() const { return skew_; }
  /// Somebody sets the host's clock. Whoever watches for that hears of it at once.
  void step_wall(std::chrono::seconds by);

  /// When the next sleeper wakes, if one ever will.
  std::optional<Mono> next_waking() const;
  /// Wakes everybody whose moment has come. Time never goes back.
  void advance_to(Mono when);
  void drop_sleepers();
  std::size_t sleepers() const { return sleepers_.size() + watchers_.size(); }

 private:
  using Bed = std::pair<Mono, std::uint64_t>;

  static constexpr Mono start{std::chrono::hours(1)};
  Instant begin_;
  Mono mono_{start};
  std::chrono::seconds skew_{0};
  std::uint64_t beds_{0};
  WaitingRoom<Bed, bool> sleepers_;
  WaitingRoom<std::uint64_t, bool> watchers_;  ///< Of the wall clock's being set.
};

}  // namespace rekeyd::simulation
