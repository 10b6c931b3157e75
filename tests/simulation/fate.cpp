#include "tests/simulation/fate.hpp"

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
