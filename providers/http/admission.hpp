#pragma once
#include "providers/http/pacing.hpp"
#include "providers/http/ticket_line.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <utility>

namespace rekeyd::providers {

/// The door to one provider instance: at most so many inside at once, entering at a pace, oldest ticket
/// first. A waiter that is cancelled or destroyed leaves the line and wakes the next. Must outlive its
/// passes.
class Admission {
 public:
  using Mono = Clock::Mono;
  using Ticket = TicketLine::Ticket;

  Admission(Clock& clock, unsigned inside_max, Pacing pacing);

  Ticket draw_ticket() { return line_.draw_ticket(); }

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
  std::size_t waiting() const { return line_.size(); }
  unsigned inside() const { return inside_; }

 private:
  bool is_full() const { return inside_ >= inside_max_; }
  Pass let_in(Mono now);
  void leave();

  Clock& clock_;
  unsigned inside_max_;
  Pacing pacing_;
  unsigned inside_{0};
  TicketLine line_;
};

}  // namespace rekeyd::providers
