#pragma once
#include "providers/http/allowance.hpp"
#include "providers/http/ticket_line.hpp"

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <utility>
#include <vector>

namespace rekeyd::providers {

/// An allowance that several clients of one service draw on, with the line of those who wait for it.
class SharedAllowance {
 public:
  SharedAllowance(PublishedLimit const& limit, unsigned percent, Clock::Mono now)
      : allowance(limit, percent, now), line(std::make_shared<TicketLine>()) {}

  Allowance allowance;
  std::shared_ptr<TicketLine> line;

  /// Has the first of that line woken by the next answer.
  void wake_at_answer(std::weak_ptr<TicketLine> thirsty) { thirsty_.push_back(std::move(thirsty)); }
  void answered(Clock::Mono now, std::int64_t cost);

 private:
  std::vector<std::weak_ptr<TicketLine>> thirsty_;
};
using SharedAllowancePtr = std::shared_ptr<SharedAllowance>;

/// One limit that a request draws on.
struct Charge {
  SharedAllowancePtr allowance;
  std::int64_t cost{1};
  /// Is this limit taken for overdrawn when the service refuses the request as too many? Not one that many
  /// share who did nothing.
  bool blamed{true};
  unsigned also_refuses_with{429};  ///< A status by which the service says the same in other words.
};

/// All limits that a request draws on; none: there is none published. Requests wait in the line of the first.
using Charges = std::vector<Charge>;

/// What a request takes from its limits while it is under way. Gives it back, in its time, when it goes.
class QuotaPass {
 public:
  QuotaPass() = default;
  QuotaPass(Clock& clock, Charges charges);
  QuotaPass(QuotaPass&& other) noexcept
      : clock_(std::exchange(other.clock_, nullptr)), charges_(std::move(other.charges_)) {}
  QuotaPass& operator=(QuotaPass&& other) noexcept {
    std::swap(clock_, other.clock_);
    std::swap(charges_, other.charges_);
    return *this;
  }
  ~QuotaPass();
  explicit operator bool() const { return clock_ != nullptr; }

 private:
  Clock* clock_{nullptr};
  Charges charges_;
};

/// Leave to send, or the moment at which there may be some: later than whoever asked wanted to wait.
struct QuotaAnswer {
  QuotaPass pass;
  Clock::Mono not_before{};
};

/// Waits until all of `charges` have room, behind those with older tickets of the first one's line; gives up
/// when that will be later than `latest`. Throws operation_aborted when cancelled. Precondition: not empty.
boost::asio::awaitable<QuotaAnswer> enter(Clock& clock, Charges charges, TicketLine::Ticket ticket,
                                          Clock::Mono latest);

/// The service answered with `status`. If that refuses the request as too many, what it drew on is held until
/// then, and lowered.
void refused(Charges const& charges, unsigned status, Clock::Mono now, Clock::Mono until);

}  // namespace rekeyd::providers
