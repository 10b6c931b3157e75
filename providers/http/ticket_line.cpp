#include "providers/http/ticket_line.hpp"

#include "providers/http/deadline.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

namespace rekeyd::providers {
namespace {

namespace asio = boost::asio;

// The bell is a timer: silent while it never expires, rung once it has. A ring before the wait begins is not
// lost, as a mere cancel() would be.
void silence(asio::steady_timer& bell) { bell.expires_at(asio::steady_timer::time_point::max()); }
void ring(asio::steady_timer& bell) { bell.expires_at(asio::steady_timer::time_point()); }

asio::awaitable<Result<bool>> rung(asio::steady_timer& bell) {
  co_await bell.async_wait(asio::as_tuple(asio::use_awaitable));
  co_return true;
}

}  // namespace

TicketLine::Place::Place(TicketLine& line, Ticket ticket, asio::any_io_executor const& executor)
    : line_(line), ticket_(ticket), bell_(executor) {
  silence(bell_);
  line_.places_.emplace(ticket_, this);
}

TicketLine::Place::~Place() {
  bool const was_first = is_first();
  line_.places_.erase(ticket_);
  if (was_first) line_.wake_first();
}

asio::awaitable<void> TicketLine::Place::wait(Clock& clock, Clock::Mono alarm) {
  silence(bell_);
  auto const woken =
      co_await with_deadline<bool>(clock, alarm, Delivery::not_sent, std::string(), rung(bell_));
  if (!woken && woken.error().error_class == ErrorClass::cancelled)
    throw boost::system::system_error(asio::error::operation_aborted);
}

void TicketLine::wake_first() {
  if (!places_.empty()) ring(places_.begin()->second->bell_);
}

}  // namespace rekeyd::providers
