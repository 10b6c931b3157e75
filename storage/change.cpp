#include "storage/store.hpp"

#include <algorithm>
#include <iterator>

namespace rekeyd::storage {

void append(Change& to, Change more) {
  auto const move_all = [](auto& into, auto& from) { std::ranges::move(from, std::back_inserter(into)); };
  move_all(to.keys, more.keys);
  move_all(to.versions, more.versions);
  move_all(to.registrations, more.registrations);
  move_all(to.registrations_gone, more.registrations_gone);
  move_all(to.rotations, more.rotations);
  move_all(to.steps, more.steps);
  move_all(to.resource_changes, more.resource_changes);
  move_all(to.machine_stops, more.machine_stops);
  move_all(to.previous_deks, more.previous_deks);
  to.admit_keys = to.admit_keys || more.admit_keys;
  move_all(to.holds, more.holds);
  move_all(to.events, more.events);
}

}  // namespace rekeyd::storage
