#include "providers/http/admission.hpp"

#include "providers/http/deadline.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>

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

Admission::Waiter::Waiter(Admission& owner, Ticket number, asio::any_io_executor const& executor)
    : door(owner), ticket(number), bell(executor) {
  silence(bell);
  door.queue_.emplace(ticket, this);
}

Admission::Waiter::~Waiter() {
  bool const was_first = door.is_first(*this);
  door.queue_.erase(ticket);
  if (was_first) door.wake_first();
}

Admission::Admission(Clock& clock, unsigned inside_max, Pacing pacing)
    : clock_(clock), inside_max_(std::max(1U, inside_max)), pacing_(pacing) {}

Admission::Pass Admission::let_in(Mono now) {
  pacing_.start(now);
  ++inside_;
  return Pass(*this);
}

void Admission::leave() {
  --inside_;
  wake_first();
}

void Admission::wake_first() {
  if (!queue_.empty()) ring(queue_.begin()->second->bell);
}

void Admission::pause(Mono until) { pacing_.pause(clock_.mono_now(), until); }

asio::awaitable<Admission::Pass> Admission::enter(Ticket ticket, Mono deadline) {
  auto now = clock_.mono_now();
  if (queue_.empty() && !is_full() && pacing_.ready_at(now) <= now && now < deadline) co_return let_in(now);

  auto executor = co_await asio::this_coro::executor;
  Waiter waiter(*this, ticket, executor);
  for (;;) {
    now = clock_.mono_now();
    if (now >= deadline) co_return Pass();
    bool const at_the_door = is_first(waiter) && !is_full();
    auto const ready = at_the_door ? pacing_.ready_at(now) : Mono::max();
    if (ready <= now) co_return let_in(now);
    // Only the first in the queue needs an alarm for the pace; whoever leaves wakes the first; a retry with
    // an older ticket may come in front at any time, hence the loop.
    auto const alarm = std::min(ready, deadline);
    silence(waiter.bell);
    auto const woken =
        co_await with_deadline<bool>(clock_, alarm, Delivery::not_sent, std::string(), rung(waiter.bell));
    if (!woken && woken.error().error_class == ErrorClass::cancelled)
      throw boost::system::system_error(asio::error::operation_aborted);
  }
}

}  // namespace rekeyd::providers
