#include "providers/http/quota.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>

namespace rekeyd::providers {

namespace asio = boost::asio;

namespace {

/// When all have room; `short_of` is the one that only an answer can help, if there is one.
Clock::Mono ready_at(Charges const& charges, Clock::Mono now, SharedAllowance*& short_of) {
  auto ready = now;
  short_of = nullptr;
  for (Charge const& charge : charges) {
    auto const one = charge.allowance->allowance.ready_at(now, charge.cost);
    if (one == Clock::Mono::max()) short_of = charge.allowance.get();
    ready = std::max(ready, one);
  }
  return ready;
}

}  // namespace

void SharedAllowance::answered(Clock::Mono now, std::int64_t cost) {
  allowance.answered(now, cost);
  for (auto const& thirsty : std::exchange(thirsty_, {})) {
    if (auto const waiting = thirsty.lock()) waiting->wake_first();
  }
}

QuotaPass::QuotaPass(Clock& clock, Charges charges) : clock_(&clock), charges_(std::move(charges)) {
  auto const now = clock.mono_now();
  for (Charge const& charge : charges_) charge.allowance->allowance.start(now, charge.cost);
}

QuotaPass::~QuotaPass() {
  if (clock_ == nullptr) return;
  auto const now = clock_->mono_now();
  for (Charge const& charge : charges_) charge.allowance->answered(now, charge.cost);
}

asio::awaitable<QuotaAnswer> enter(Clock& clock, Charges charges, TicketLine::Ticket ticket,
                                   Clock::Mono latest) {
  std::shared_ptr<TicketLine> const line = charges.front().allowance->line;
  SharedAllowance* short_of = nullptr;
  QuotaAnswer answer;
  auto now = clock.mono_now();
  if (line->empty() && ready_at(charges, now, short_of) <= now) {
    answer.pass = QuotaPass(clock, std::move(charges));
    co_return answer;
  }
  auto executor = co_await asio::this_coro::executor;
  TicketLine::Place place(*line, ticket, executor);
  for (;;) {
    now = clock.mono_now();
    answer.not_before = place.is_first() ? ready_at(charges, now, short_of) : Clock::Mono::max();
    if (answer.not_before <= now) {
      answer.pass = QuotaPass(clock, std::move(charges));
      co_return answer;
    }
    bool const too_late = place.is_first() && short_of == nullptr && answer.not_before > latest;
    if (now >= latest || too_late) co_return answer;
    if (short_of != nullptr) short_of->wake_at_answer(line);
    auto const alarm = std::min(answer.not_before, latest);
    co_await place.wait(clock, alarm);
  }
}

void refused(Charges const& charges, unsigned status, Clock::Mono now, Clock::Mono until) {
  for (Charge const& charge : charges) {
    bool const too_many = status == 429 || status == charge.also_refuses_with;
    if (charge.blamed && too_many) charge.allowance->allowance.refused(now, until);
  }
}

}  // namespace rekeyd::providers
