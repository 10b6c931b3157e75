#pragma once
#include "daemon/bell.hpp"
#include "daemon/holds.hpp"
#include "daemon/world.hpp"

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <map>
#include <optional>
#include <vector>

namespace rekeyd::daemon {

/// Judges the machine's wall clock by what never steps and by what the providers' answers say, and holds what
/// must not begin on a wrong one:
///
/// - a jump by more than `clock_tolerance` against the clock that goes on through suspensions: everything;
/// - smaller jumps, as soon as the clock differs by more than that from what a provider last said: as if it
///   said so now;
/// - at the start, a clock that lies before the newest event of the history: everything;
/// - an answer whose `Date` differs by more than that: the provider instance; with a second instance that
///   says the same, everything.
///
/// A hold of the clock ends by itself after three answers in a row that agree with the machine. While one
/// stands the providers are asked: every minute for the first ten, and the less often the longer nothing has
/// changed. A setting of the clock, and an answer that says another thing than the one before, begin anew.
class ClockWatch {
 public:
  ClockWatch(World& world, Holds& holds);
  ClockWatch(ClockWatch const&) = delete;
  ClockWatch& operator=(ClockWatch const&) = delete;

  /// Before the first event of this life is recorded. Error: the history cannot be read.
  Result<void> compare_with_history();
  /// Has the clock been set? Call before anything is decided by it.
  void look();
  /// Has the instance told its time since the start?
  bool checked(ProviderName const& provider) const;
  /// What a person accepts who lets go `hold`: the difference as it is now.
  std::optional<std::chrono::seconds> difference(BrakeScope const& scope) const;

  /// Looks when the clock is set, and calls `then`, who decides anew. Until cancelled.
  boost::asio::awaitable<void> notice_settings(std::function<void()> then);
  /// Asks the providers the time while a hold of the clock stands. Until cancelled.
  boost::asio::awaitable<void> ask_the_time();
  /// The holds have changed.
  void wake() { bell_.ring(); }

 private:
  enum class Opinion { unheard, agrees, differs };
  struct Witness {
    std::optional<providers::DateReading> reading;
    Opinion opinion{Opinion::unheard};  ///< Of its newest answer since the clock was last set.
    int agreeing{};                     ///< Answers in a row that agree.
  };

  void hear(ProviderName const& provider, providers::DateReading const& reading);
  void judge();
  void judge_differing(std::vector<ProviderName> const& differing);
  void let_go_what_is_over();
  bool is_accepted(ProviderName const& provider, std::chrono::seconds offset) const;
  bool any_hold_of_clock() const;
  bool held_alone(ProviderName const& provider) const;
  void stepped(std::chrono::seconds by);
  void reconsider();
  bool worth_asking() const;
  boost::asio::awaitable<void> ask(ProviderName provider);

  World& world_;
  Holds& holds_;
  std::map<ProviderName, Witness> witnesses_;
  int agreeing_in_a_row_{};      ///< Over all instances that are not held on their own.
  Instant wall_;                 ///< At the last look,
  providers::Clock::Mono boot_;  ///< both.
  providers::Clock::Mono news_;  ///< When something was last heard of the clock that was not known before.
  std::optional<providers::Clock::Mono> asked_;
  Bell bell_;
};

}  // namespace rekeyd::daemon
