#include "tests/simulator/azure/arm/course.hpp"

#include "tests/simulator/azure/arm/set_change.hpp"
#include "tests/simulator/azure/arm/sql_server.hpp"
#include "tests/simulator/azure/arm/storage_account.hpp"

#include <algorithm>

namespace rekeyd::sim::azure::arm {

namespace {

constexpr std::chrono::hours check_interval{1};
constexpr std::chrono::hours account_check_interval{24};

/// The next thing that happens by itself, and when.
struct Next {
  Instant at{Instant::max()};
  Operation* operation{};
  DiskEncryptionSet* set{};
  StorageAccount* account{};
  SqlServer* server{};
};

bool follows(DiskEncryptionSet const& set) { return set.follows && !set.confidential(); }

Next next_in(Estate& estate) {
  Next next;
  for (auto& [id, operation] : estate.operations) {
    if (!operation.ended && operation.due && *operation.due < next.at) next = {*operation.due, &operation};
  }
  for (auto& [id, set] : estate.sets) {
    if (follows(set) && set.next_check < next.at) next = {set.next_check, {}, &set};
  }
  for (auto& [id, account] : estate.accounts) {
    if (follows(account) && account.next_check < next.at) next = {account.next_check, {}, {}, &account};
  }
  for (auto& [id, server] : estate.servers) {
    if (follows(server) && server.next_check < next.at) next = {server.next_check, {}, {}, {}, &server};
  }
  if (estate.next_key_check < next.at) next = {estate.next_key_check};
  return next;
}

void end(Operation& operation, Estate& estate, KeyDirectory const& keys, Instant at) {
  if (operation.act == Act::change_set) return end_change(operation, estate, keys, at);
  if (operation.act == Act::put_sql_key || operation.act == Act::set_protector)
    return end_sql(operation, estate, keys, at);
  end_power(operation, estate, keys, at);
}

void happen(Next const& next, Estate& estate, KeyDirectory const& keys) {
  if (next.operation != nullptr) {
    end(*next.operation, estate, keys, next.at);
  } else if (next.account != nullptr) {
    next.account->next_check += account_check_interval;
    follow(*next.account, keys, next.at);
  } else if (next.server != nullptr) {
    next.server->next_check += check_interval;
    follow(*next.server, keys, next.at);
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
         std::ranges::any_of(estate.sets, looks) || std::ranges::any_of(estate.accounts, looks) ||
         std::ranges::any_of(estate.servers, looks);
}

std::vector<KeyUrl> followed_keys(Estate const& estate) {
  std::vector<KeyUrl> keys;
  for (auto const& [id, set] : estate.sets) {
    if (follows(set)) keys.push_back(set.active);
  }
  for (auto const& [id, account] : estate.accounts) {
    if (follows(account)) keys.push_back(account.active);
  }
  for (auto const& [id, server] : estate.servers) {
    if (follows(server)) keys.push_back(server.keys.at(server.protector).key);
  }
  return keys;
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
  for (auto& [id, account] : estate.accounts) {
    account.created -= by;
    account.next_check -= by;
    shift(account.rotated, by);
  }
  for (auto& [id, server] : estate.servers) {
    server.next_check -= by;
    for (auto& [name, key] : server.keys) key.created -= by;
  }
  for (auto& [id, operation] : estate.operations) {
    operation.started -= by;
    shift(operation.due, by);
    shift(operation.ended, by);
  }
  estate.next_key_check -= by;
}

}  // namespace rekeyd::sim::azure::arm
