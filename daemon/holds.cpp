#include "daemon/holds.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace rekeyd::daemon {

namespace {

HistoryEvent event_of(Hold const& hold, EventKind kind, std::string actor, std::string sentence, Instant at) {
  HistoryEvent event;
  event.at = at;
  event.kind = kind;
  event.outcome = kind == EventKind::hold_released ? EventOutcome::ok : EventOutcome::held;
  event.actor = std::move(actor);
  event.sentence = std::move(sentence);
  event.details = hold.details;
  event.details["hold"] = hold.name();
  event.details["hold_kind"] = to_text(hold.kind);
  event.details["scope"] = hold.scope.text();
  if (hold.scope.kind == BrakeScope::Kind::policy) event.policy = PolicyName(hold.scope.name);
  if (hold.next_try) event.details["next_try"] = to_rfc3339(*hold.next_try);
  return event;
}

auto is_same(HoldKind kind, BrakeScope const& scope) {
  return [kind, scope](Hold const& hold) { return hold.kind == kind && hold.scope == scope; };
}

}  // namespace

Result<void> Holds::load() {
  auto stored = world_.store.holds();
  if (!stored) return std::unexpected(stored.error());
  for (Hold& hold : *stored) (hold.released ? accepted_ : in_force_).push_back(std::move(hold));
  for (Hold const& hold : in_force_) spdlog::warn("still held: {}: {}", hold.name(), hold.sentence);
  return {};
}

Hold const* Holds::find(HoldKind kind, BrakeScope const& scope) const {
  auto const found = std::ranges::find_if(in_force_, is_same(kind, scope));
  return found == in_force_.end() ? nullptr : &*found;
}

std::vector<Hold> Holds::covering(ProviderName const& provider, PolicyName const& policy) const {
  std::vector<Hold> holds;
  for (Hold const& hold : in_force_) {
    if (hold.scope.covers(provider, policy)) holds.push_back(hold);
  }
  return holds;
}

Hold Holds::add_to(storage::Change& change, Hold hold) const {
  Hold const* const before = find(hold.kind, hold.scope);
  Instant const now = world_.clock.wall_now();
  hold.placed = before == nullptr ? now : before->placed;
  EventKind const kind = before == nullptr ? EventKind::hold_placed : EventKind::hold_changed;
  change.holds.push_back(hold);
  change.events.push_back(event_of(hold, kind, "rekeyd", hold.sentence, now));
  return hold;
}

void Holds::took_effect(Hold hold) {
  spdlog::warn("held: {}: {}", hold.name(), hold.sentence);
  auto const before = std::ranges::find_if(in_force_, is_same(hold.kind, hold.scope));
  if (before == in_force_.end()) {
    in_force_.push_back(std::move(hold));
  } else {
    *before = std::move(hold);
  }
  changed_();
}

void Holds::place(Hold hold) {
  if (Hold const* before = find(hold.kind, hold.scope)) {
    bool const same = before->sentence == hold.sentence && before->details == hold.details &&
                      before->next_try == hold.next_try;
    if (same) return;
  }
  hold = add_to(owed_, std::move(hold));
  took_effect(std::move(hold));
  catch_up();
}

void Holds::catch_up() {
  if (owed_.holds.empty() && owed_.events.empty()) return;
  if (auto const written = world_.store.commit(owed_); !written) {
    spdlog::error("a hold cannot be recorded yet; it holds all the same: {}", to_text(written.error()));
    return;
  }
  owed_ = {};
}

void Holds::drop(Hold const& hold) { std::erase_if(in_force_, is_same(hold.kind, hold.scope)); }

void Holds::let_go(HoldKind kind, BrakeScope const& scope, std::string const& why) {
  Hold const* const held = find(kind, scope);
  if (held == nullptr) return;
  catch_up();
  Hold hold = *held;
  hold.released = world_.clock.wall_now();
  hold.released_by = "rekeyd";
  hold.release_reason = why;
  storage::Change change;
  change.holds.push_back(hold);
  change.events.push_back(event_of(hold, EventKind::hold_released, "rekeyd", why, *hold.released));
  if (auto const written = world_.store.commit(change); !written) {
    spdlog::error("hold {} stays, its end cannot be recorded: {}", hold.name(), to_text(written.error()));
    return;
  }
  spdlog::info("no longer held: {}: {}", hold.name(), why);
  drop(hold);
  changed_();
}

Result<void> Holds::release(std::vector<Hold> holds, std::string const& caller, std::string const& reason) {
  catch_up();
  Instant const now = world_.clock.wall_now();
  storage::Change change;
  for (Hold& hold : holds) {
    hold.released = now;
    hold.released_by = caller;
    hold.release_reason = reason;
    change.holds.push_back(hold);
    change.events.push_back(
        event_of(hold, EventKind::hold_released, caller, fmt::format("released: {}", reason), now));
  }
  if (auto written = world_.store.commit(change); !written) return written;
  for (Hold& hold : holds) {
    spdlog::info("{} has released {}: {}", caller, hold.name(), reason);
    drop(hold);
    if (hold.accepted_offset) accepted_.push_back(std::move(hold));
  }
  changed_();
  return {};
}

void Holds::forget_accepted(BrakeScope const& scope) {
  storage::Change change;
  for (Hold const& hold : accepted_) {
    if (hold.scope != scope) continue;
    change.holds.push_back(hold);
    change.holds.back().accepted_offset.reset();
  }
  if (change.holds.empty()) return;
  if (auto const written = world_.store.commit(change); !written) {
    spdlog::error("what was accepted of the clock stays accepted: {}", to_text(written.error()));
    return;
  }
  std::erase_if(accepted_, [&](Hold const& hold) { return hold.scope == scope; });
}

}  // namespace rekeyd::daemon
