#include "tests/simulation/fate.hpp"

#include <algorithm>
#include <iterator>

namespace rekeyd::simulation {

using namespace std::chrono_literals;

void Fate::begin() {
  often(chances_.crashes_a_year, listeners_.crash);
  often(chances_.stops_a_year, listeners_.stop);
  often(chances_.freezes_a_year, [this] { listeners_.freeze(between(universe_.fate, 1s, 24h)); });
  often(chances_.full_disks_a_year, [this] { listeners_.fill_disk(between(universe_.fate, 1s, 8h)); });
  often(chances_.clock_steps_a_year, [this] {
    auto const most = static_cast<std::uint64_t>(chances_.clock_step_max.count());
    auto const off =
        static_cast<std::int64_t>(universe_.fate.below(2 * most + 1)) - static_cast<std::int64_t>(most);
    listeners_.step_clock(std::chrono::seconds(off));
  });
  often(chances_.clock_jumps_a_year, [this] {
    jump_waits_for_work_ = universe_.fate.below(2) == 0;
    if (!jump_waits_for_work_) listeners_.step_clock(clock_jump());
  });
}

/// Minutes, hours and days alike: each is its own kind of mistake.
std::chrono::seconds Fate::clock_jump() {
  std::chrono::seconds const spans[]{1h, 48h, chances_.clock_jump_max};
  auto const most = std::min(spans[universe_.fate.below(std::size(spans))], chances_.clock_jump_max);
  auto const least = std::min<std::chrono::seconds>(most, chances_.clock_step_max + 2min);
  auto const by = std::chrono::floor<std::chrono::seconds>(between(universe_.fate, least, most));
  return universe_.fate.below(2) == 0 ? by : -by;
}

void Fate::often(std::uint64_t times_a_year, std::function<void()> what) {
  if (times_a_year == 0 || resting_) return;
  auto const when = universe_.in(until_next(universe_.fate, times_a_year));
  universe_.happenings.at(when, [this, times_a_year, what = std::move(what)] {
    if (resting_) return;
    what();
    often(times_a_year, what);
  });
}

void Fate::at_work() {
  constexpr double at_this_one = 0.02;
  if (resting_ || !jump_waits_for_work_ || !universe_.fate.chance(at_this_one)) return;
  jump_waits_for_work_ = false;
  listeners_.step_clock(clock_jump());
}

std::optional<std::uint64_t> Fate::disk_death() {
  if (resting_ || !universe_.fate.chance(chances_.disk_dies)) return std::nullopt;
  // Many soon, while it starts; some in the middle of work.
  std::uint64_t const horizon = universe_.fate.below(2) == 0 ? 60 : 6000;
  return 1 + universe_.fate.below(horizon);
}

std::chrono::milliseconds Fate::time_down() {
  bool const restarted_at_once = universe_.fate.below(2) == 0;
  if (resting_ || restarted_at_once) return 5s;
  return between(universe_.fate, 5s, chances_.down_max);
}

}  // namespace rekeyd::simulation
