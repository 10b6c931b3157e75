#include "daemon/arrivals.hpp"

#include "daemon/storm.hpp"

#include <spdlog/spdlog.h>

#include <utility>

namespace rekeyd::daemon {

Arrivals::Arrivals(World& world, Fleet& fleet, Holds& holds, StormLimit limit)
    : world_(world), fleet_(fleet), holds_(holds), limit_(limit) {
  for (auto const& [name, instance] : world_.providers) not_looked_at_.insert(name);
}

bool Arrivals::looked(ProviderName const& provider) {
  not_looked_at_.erase(provider);
  return not_looked_at_.empty() && judge();
}

bool Arrivals::judge() {
  Instant const now = world_.clock.wall_now();
  Storm storm;
  bool any = false;
  for (auto const& [ref, key] : fleet_.keys()) {
    ++storm.fleet;
    any = any || !key.stored.admitted;
    if (!is_due(key, key.match, now)) continue;
    if (key.stored.admitted) {
      ++storm.due_before;
    } else {
      storm.add(key, std::get<AppliedPolicy>(key.match));
    }
  }
  if (!any) return false;
  storage::Change change;
  change.admit_keys = true;
  std::optional<Hold> hold = hold_of(storm, limit_, "what was found for the first time");
  if (hold) hold = holds_.add_to(change, *std::move(hold));
  if (auto const written = world_.store.commit(change); !written) {
    spdlog::error("keys found for the first time wait on, their admission cannot be recorded: {}",
                  to_text(written.error()));
    return false;
  }
  if (hold) holds_.took_effect(*std::move(hold));
  fleet_.admit_all();
  return true;
}

}  // namespace rekeyd::daemon
