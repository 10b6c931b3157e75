#pragma once
#include "providers/system/clock.hpp"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>

namespace rekeyd::test {

/// Time that stands still until nothing is ready to run, then jumps to the next sleeper: years in seconds,
/// and the same order in every run. Whoever drives the io_context calls ring_next() when it has gone quiet
/// (run_coroutine.hpp does).
class VirtualClock final : public providers::Clock {
 public:
  explicit VirtualClock(Instant wall) : wall_at_start_(wall) {}

  Instant wall_now() const override;
  Mono mono_now() const override { return mono_; }
  boost::asio::awaitable<void> sleep_until(Mono when) override;
  boost::asio::awaitable<void> sleep_until_or_cancelled(Mono when) override;
  Mono boot_now() const override { return mono_ + suspended_; }
  boost::asio::awaitable<void> clock_set() override;

  /// The wall clock alone, as an administrator or a time server sets it.
  void step_wall(std::chrono::seconds by);
  /// The machine sleeps: the wall clock goes on, what waits does not.
  void suspend(std::chrono::seconds span);

  /// Jumps to the earliest sleeper and wakes it; of two at one moment, the one that lay down first. False
  /// when nobody sleeps who would ever wake.
  bool ring_next();
  /// Lets time pass although somebody could run, waking nobody: work that takes time.
  void advance(Mono::duration by) { mono_ += by; }
  std::size_t sleepers() const { return sleepers_.size(); }

 private:
  // One sleeping coroutine. Lives in its frame, so that a cancelled or destroyed sleeper leaves no trace.
  struct Bed {
    Bed(VirtualClock& owner, Mono when, boost::asio::steady_timer& ringing);
    ~Bed();
    Bed(Bed const&) = delete;
    Bed& operator=(Bed const&) = delete;

    VirtualClock& clock;
    std::pair<Mono, std::uint64_t> key;
    boost::asio::steady_timer& bell;
    bool rung{false};
  };

  boost::asio::awaitable<bool> rung_at(Mono when);
  void ring_clock_set();

  static constexpr Mono start_{std::chrono::hours(1)};
  std::map<std::pair<Mono, std::uint64_t>, Bed*> sleepers_;
  std::map<boost::asio::steady_timer*, bool> watchers_;  ///< Those in clock_set(), and whether it rang.
  std::uint64_t bed_number_{0};
  Mono::duration suspended_{};
  Instant wall_at_start_;
  Mono mono_{start_};
};

}  // namespace rekeyd::test
