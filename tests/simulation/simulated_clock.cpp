#include "tests/simulation/simulated_clock.hpp"

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>

namespace rekeyd::simulation {

namespace asio = boost::asio;

asio::awaitable<void> SimulatedClock::sleep_until(Mono when) {
  auto lying = sleepers_.wait(Bed(when, beds_++), false);
  bool const rung = co_await std::move(lying);
  if (!rung) throw boost::system::system_error(asio::error::operation_aborted);
}

asio::awaitable<void> SimulatedClock::sleep_until_or_cancelled(Mono when) {
  auto lying = sleepers_.wait(Bed(when, beds_++), false);
  co_await std::move(lying);
}

asio::awaitable<void> SimulatedClock::clock_set() {
  auto watching = watchers_.wait(beds_++, false);
  bool const set = co_await std::move(watching);
  if (!set) throw boost::system::system_error(asio::error::operation_aborted);
}

void SimulatedClock::step_wall(std::chrono::seconds by) {
  if (by == std::chrono::seconds(0)) return;
  skew_ += by;
  for (auto first = watchers_.first(); first; first = watchers_.first()) watchers_.answer(*first, true);
}

void SimulatedClock::drop_sleepers() {
  sleepers_.drop();
  watchers_.drop();
}

std::optional<SimulatedClock::Mono> SimulatedClock::next_waking() const {
  auto const first = sleepers_.first();
  if (!first || first->first == Mono::max()) return std::nullopt;
  return first->first;
}

void SimulatedClock::advance_to(Mono when) {
  mono_ = std::max(mono_, when);
  for (auto first = sleepers_.first(); first && first->first <= mono_; first = sleepers_.first()) {
    sleepers_.answer(*first, true);
  }
}

}  // namespace rekeyd::simulation
