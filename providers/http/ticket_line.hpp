#pragma once
#include "providers/system/clock.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstddef>
#include <cstdint>
#include <map>

namespace rekeyd::providers {

/// Who waits for a turn, oldest ticket first. Whose turn it is, and whether it has come, is its user's
/// business: only the first in the line looks, and sets itself an alarm.
class TicketLine {
 public:
  using Ticket = std::uint64_t;

  /// A place in the order of arrival. Keep it for a retry: what came first is served first again.
  Ticket draw_ticket() { return next_ticket_++; }
  bool empty() const { return places_.empty(); }
  std::size_t size() const { return places_.size(); }
  void wake_first();

  /// One waiting coroutine; lives in its frame. Whoever goes while it is first wakes the next.
  class Place {
   public:
    Place(TicketLine& line, Ticket ticket, boost::asio::any_io_executor const& executor);
    ~Place();
    Place(Place const&) = delete;
    Place& operator=(Place const&) = delete;

    bool is_first() const { return line_.places_.begin()->second == this; }
    /// Until woken, or `alarm`. Throws operation_aborted when cancelled.
    boost::asio::awaitable<void> wait(Clock& clock, Clock::Mono alarm);

   private:
    friend TicketLine;
    TicketLine& line_;
    Ticket ticket_;
    boost::asio::steady_timer bell_;
  };

 private:
  Ticket next_ticket_{0};
  std::map<Ticket, Place*> places_;
};

}  // namespace rekeyd::providers
