#include "tests/simulator/azure/arm/course.hpp"

#include "tests/simulator/azure/arm/set_change.hpp"

#include <algorithm>

namespace rekeyd::sim::azure::arm {

namespace {

constexpr std::chrono::hours check_interval{1};

/// The next thing that happens by itself, and when.
struct Next {
  Instant at{Instant::max()};
  Operation* operation{};
  DiskEncryptionSet* set{};
};

bool follows(DiskEncryptionSet const& set) { return set.follows && !set.confidential(); }

Next next_in(Estate& estate) {
  Next next;
  for (auto& [id, operation] : estate.operations) {
    if (!operation.ended && operation.due && *operation.due < next.at)
      next = {*operation.due, &operation, {}};
  }
  for (auto& [id, set] : estate.sets) {
    if (follows(set) && set.next_check < next.at) next = {set.next_check, {}, &set};
  }
  if (estate.next_key_check < next.at) next = {estate.next_key_check, {}, {}};
  return next;
}

void happen(Next const& next, Estate& estate, KeyDirectory const& keys) {
  if (next.operation != nullptr && next.operation->act == Act::change_set) {
    end_change(*next.operation, estate, keys, next.at);
  } else if (next.operation != nullptr) {
    end_power(*next.operation, estate, keys, next.at);
  } else if (next.set != nullptr) {
    next.set->next_check += check_interval;
    follow(*next.set, estate, keys, next.at);
  } else {
    estate.next_key_check += check_interval;
    check_keys(estate, keys, next.at);
  }
}

void forget_old_operations(Estate& estate, Instant now) {
  // How long their URLs live is unconfirmed.
  constexpr std::chrono::hours life{24};
  std::erase_if(estate.operations,
                [&](auto const& entry) { return entry.second.ended && *entry.second.ended + life < now; });
}

void shift(std::optional<Instant>& moment, std::chrono::seconds by) {
  if (moment) *moment -= by;
}

}  // namespace

void advance(Estate& estate, KeyDirectory const& keys, Instant now) {
  bool changed = false;
  for (auto next = next_in(estate); next.at <= now; next = next_in(estate)) {
    happen(next, estate, keys);
    changed = true;
  }
  if (changed) forget_old_operations(estate, now);
}

bool is_due(Estate const& estate, Instant now) {
  auto const ends = [&](auto const& entry) {
    return !entry.second.ended && entry.second.due && *entry.second.due <= now;
  };
  auto const looks = [&](auto const& entry) {
    return follows(entry.second) && entry.second.next_check <= now;
  };
  return estate.next_key_check <= now || std::ranges::any_of(estate.operations, ends) ||
         std::ranges::any_of(estate.sets, looks);
}

void grow_older(Estate& estate, std::chrono::seconds by) {
  for (auto& [id, machine] : estate.machines) {
    machine.created -= by;
    for (auto& stop : machine.stops) {
      stop.from -= by;
      shift(stop.until, by);
    }
  }
  for (auto* disks : {&estate.disks, &estate.snapshots}) {
    for (auto& [id, disk] : *disks) disk.created -= by;
  }
  for (auto& [id, set] : estate.sets) {
    set.next_check -= by;
    shift(set.last_rotation, by);
  }
  for (auto& [id, operation] : estate.operations) {
    operation.started -= by;
    shift(operation.due, by);
    shift(operation.ended, by);
  }
  estate.next_key_check -= by;
}

}  // namespace rekeyd::sim::azure::arm
