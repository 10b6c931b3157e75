#pragma once
#include "providers/http/pacing.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>

namespace rekeyd::providers {

/// The door to one provider instance: at most so many inside at once, entering at a pace, oldest ticket
/// first. A waiter that is cancelled or destroyed leaves the queue and wakes the next. Must outlive its
/// passes.
class Admission {
 public:
  using Mono = Clock::Mono;
  using Ticket = std::uint64_t;

  Admission(Clock& clock, unsigned inside_max, Pacing pacing);

  /// A place in the order of arrival. Keep it for a retry: what came first is served first again.
  Ticket draw_ticket() { return next_ticket_++; }

  /// Being inside. Leaves when it goes.
  class Pass {
   public:
    Pass() = default;
    explicit Pass(Admission& door) : door_(&door) {}
    Pass(Pass&& other) noexcept : door_(std::exchange(other.door_, nullptr)) {}
    Pass& operator=(Pass&& other) noexcept {
      std::swap(door_, other.door_);
      return *this;
    }
    ~Pass() {
      if (door_ != nullptr) door_->leave();
    }
    explicit operator bool() const { return door_ != nullptr; }

   private:
    Admission* door_{nullptr};
  };

  /// Waits to be let in; an empty pass if `deadline` came first. Throws operation_aborted when cancelled.
  boost::asio::awaitable<Pass> enter(Ticket ticket, Mono deadline);

  /// Lets nobody in before `until`.
  void pause(Mono until);
  std::size_t waiting() const { return queue_.size(); }
  unsigned inside() const { return inside_; }

 private:
  // One waiting coroutine; lives in its frame.
  struct Waiter {
    Waiter(Admission& owner, Ticket ticket, boost::asio::any_io_executor const& executor);
    ~Waiter();
    Waiter(Waiter const&) = delete;
    Waiter& operator=(Waiter const&) = delete;

    Admission& door;
    Ticket ticket;
    boost::asio::steady_timer bell;
  };

  bool is_first(Waiter const& waiter) const { return queue_.begin()->second == &waiter; }
  bool is_full() const { return inside_ >= inside_max_; }
  Pass let_in(Mono now);
  void leave();
  void wake_first();

  Clock& clock_;
  unsigned inside_max_;
  Pacing pacing_;
  unsigned inside_{0};
  Ticket next_ticket_{0};
  std::map<Ticket, Waiter*> queue_;
};

}  // namespace rekeyd::providers
