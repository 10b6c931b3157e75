#include "tests/support/virtual_clock.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>

namespace rekeyd::test {

namespace asio = boost::asio;

VirtualClock::Bed::Bed(VirtualClock& owner, Mono when, asio::steady_timer& ringing)
    : clock(owner), key(when, owner.bed_number_++), bell(ringing) {
  clock.sleepers_.emplace(key, this);
}

VirtualClock::Bed::~Bed() { clock.sleepers_.erase(key); }

Instant VirtualClock::wall_now() const {
  return wall_at_start_ + std::chrono::floor<std::chrono::seconds>(mono_ - start_);
}

// False if cancelled before.
asio::awaitable<bool> VirtualClock::rung_at(Mono when) {
  auto executor = co_await asio::this_coro::executor;
  asio::steady_timer bell(executor, asio::steady_timer::time_point::max());
  Bed const bed(*this, when, bell);
  co_await bell.async_wait(asio::as_tuple(asio::use_awaitable));
  co_return bed.rung;
}

asio::awaitable<void> VirtualClock::sleep_until(Mono when) {
  bool const rung = co_await rung_at(when);
  if (!rung) throw boost::system::system_error(asio::error::operation_aborted);
}

asio::awaitable<void> VirtualClock::sleep_until_or_cancelled(Mono when) { (void)co_await rung_at(when); }

asio::awaitable<void> VirtualClock::clock_set() {
  auto executor = co_await asio::this_coro::executor;
  asio::steady_timer bell(executor, asio::steady_timer::time_point::max());
  struct Watching {
    std::map<asio::steady_timer*, bool>& all;
    asio::steady_timer* bell;
    ~Watching() { all.erase(bell); }
  };
  Watching const watching{watchers_, &bell};
  watchers_[&bell] = false;
  co_await bell.async_wait(asio::as_tuple(asio::use_awaitable));
  if (!watchers_[&bell]) throw boost::system::system_error(asio::error::operation_aborted);
}

void VirtualClock::ring_clock_set() {
  for (auto& [bell, rung] : watchers_) {
    rung = true;
    bell->cancel();
  }
}

void VirtualClock::step_wall(std::chrono::seconds by) {
  wall_at_start_ += by;
  ring_clock_set();
}

void VirtualClock::suspend(std::chrono::seconds span) {
  wall_at_start_ += span;
  suspended_ += span;
  ring_clock_set();
}

bool VirtualClock::ring_next() {
  auto const first = sleepers_.begin();
  if (first == sleepers_.end() || first->first.first == Mono::max()) return false;
  mono_ = std::max(mono_, first->first.first);
  Bed* const bed = first->second;
  sleepers_.erase(first);
  bed->rung = true;
  bed->bell.cancel();
  return true;
}

}  // namespace rekeyd::test
