#include "providers/http/admission.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>

namespace rekeyd::providers {

namespace asio = boost::asio;

Admission::Admission(Clock& clock, unsigned inside_max, Pacing pacing)
    : clock_(clock), inside_max_(std::max(1U, inside_max)), pacing_(pacing) {}

Admission::Pass Admission::let_in(Mono now) {
  pacing_.start(now);
  ++inside_;
  return Pass(*this);
}

void Admission::leave() {
  --inside_;
  line_.wake_first();
}

void Admission::pause(Mono until) { pacing_.pause(clock_.mono_now(), until); }

asio::awaitable<Admission::Pass> Admission::enter(Ticket ticket, Mono deadline) {
  auto now = clock_.mono_now();
  if (line_.empty() && !is_full() && pacing_.ready_at(now) <= now && now < deadline) co_return let_in(now);

  auto executor = co_await asio::this_coro::executor;
  TicketLine::Place place(line_, ticket, executor);
  for (;;) {
    now = clock_.mono_now();
    if (now >= deadline) co_return Pass();
    bool const at_the_door = place.is_first() && !is_full();
    auto const ready = at_the_door ? pacing_.ready_at(now) : Mono::max();
    if (ready <= now) co_return let_in(now);
    // Only the first in the line needs an alarm for the pace; whoever leaves wakes the first; a retry with
    // an older ticket may come in front at any time, hence the loop.
    auto const alarm = std::min(ready, deadline);
    co_await place.wait(clock_, alarm);
  }
}

}  // namespace rekeyd::providers
