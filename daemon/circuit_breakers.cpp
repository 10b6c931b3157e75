#include "daemon/circuit_breakers.hpp"

#include "policy/brakes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace rekeyd::daemon {

namespace {

// More than stop_after_failures of every scope can reach back to.
constexpr std::size_t events_read_back = 2000;

std::vector<BrakeScope> scopes_of(ProviderName const& provider, PolicyName const& policy) {
  std::vector<BrakeScope> scopes{BrakeScope::of(provider)};
  if (!policy.empty()) scopes.push_back(BrakeScope::of(policy));
  return scopes;
}

Error const* error_of(StepOutcome const& outcome) {
  if (auto const* again = std::get_if<StepAgain>(&outcome)) return &again->error;
  if (auto const* blocked = std::get_if<StepBlocked>(&outcome)) return &blocked->error;
  return nullptr;
}

std::string detail(std::map<std::string, std::string> const& details, char const* name) {
  auto const found = details.find(name);
  return found == details.end() ? std::string() : found->second;
}

unsigned count_in(Hold const& hold, char const* name) {
  std::string const text = detail(hold.details, name);
  unsigned count = 0;
  std::from_chars(text.data(), text.data() + text.size(), count);
  return count;
}

bool failure_in(HistoryEvent const& event) {
  using enum ErrorClass;
  std::string const word = detail(event.details, "error_class");
  for (ErrorClass const each :
       {transient, access, conflict, not_found, permanent, malformed, storage, cancelled}) {
    if (word == to_text(each)) return counts_as_failure(each, event.version.has_value());
  }
  return false;
}

}  // namespace

Result<void> CircuitBreakers::load() {
  std::vector<storage::RecordedEvent> events;
  for (EventKind const kind : {EventKind::rotation_done, EventKind::step_failed,
                               EventKind::rotation_abandoned, EventKind::hold_released}) {
    storage::HistoryQuery query;
    query.kind = kind;
    query.newest_first = true;
    query.limit = events_read_back;
    auto found = world_.store.history(query);
    if (!found) return std::unexpected(found.error());
    std::ranges::move(*found, std::back_inserter(events));
  }
  std::ranges::sort(events, {}, &storage::RecordedEvent::sequence);
  for (storage::RecordedEvent const& recorded : events) replay(recorded.event);
  return settle_probes();
}

void CircuitBreakers::replay(HistoryEvent const& event) {
  if (event.kind == EventKind::hold_released) {
    std::string const name = detail(event.details, "hold");
    std::erase_if(failing_, [&](auto const& entry) {
      Hold released;
      released.kind = HoldKind::circuit_open;
      released.scope = entry.first;
      return released.name() == name;
    });
    return;
  }
  if (!event.key || !event.rotation) return;
  for (BrakeScope const& scope : scopes_of(event.key->provider, event.policy)) {
    if (event.kind == EventKind::rotation_done) {
      failing_.erase(scope);
    } else if (event.kind == EventKind::rotation_abandoned) {
      failing_[scope].erase(*event.rotation);
    } else if (failure_in(event)) {
      failing_[scope].insert(*event.rotation);
    }
  }
}

/// What became of the probes that were under way when the last life ended.
Result<void> CircuitBreakers::settle_probes() {
  std::vector<Hold> const holds = holds_.in_force();
  for (Hold const& hold : holds) {
    std::string const probe = detail(hold.details, "probe");
    if (hold.kind != HoldKind::circuit_open || probe.empty()) continue;
    auto const rotation = world_.store.rotation(RotationId(probe));
    if (!rotation) return std::unexpected(rotation.error());
    if (!*rotation || (*rotation)->state == RotationState::abandoned) {
      no_verdict(hold.scope, RotationId(probe));
    } else if ((*rotation)->state == RotationState::done) {
      holds_.let_go(hold.kind, hold.scope, fmt::format("rotation {} was done", probe));
    } else if ((*rotation)->state == RotationState::blocked || (*rotation)->attempts > 0) {
      probe_failed(hold, (*rotation)->message);
    }
  }
  return {};
}

unsigned CircuitBreakers::limit_of(BrakeScope const& scope) const {
  if (scope.kind == BrakeScope::Kind::provider) {
    for (config::ProviderSettings const& provider : settings_.providers) {
      if (provider.name.str() == scope.name) return provider.rotations.stop_after_failures;
    }
  } else {
    for (RotationPolicy const& policy : fleet_.policies().policies) {
      if (policy.name.str() == scope.name) return policy.limits.stop_after_failures;
    }
  }
  return RotationLimits{}.stop_after_failures;
}

void CircuitBreakers::note(Rotation const& after, StepOutcome const& outcome) {
  Error const* const error = error_of(outcome);
  bool const failure =
      error != nullptr && counts_as_failure(error->error_class, after.new_version.has_value());
  for (BrakeScope const& scope : scopes_of(after.key.provider, after.policy)) {
    if (after.state == RotationState::done) {
      failing_.erase(scope);
      holds_.let_go(HoldKind::circuit_open, scope,
                    fmt::format("rotation {} of {} was done", after.id.str(), after.key.text()));
    } else if (failure) {
      failed(scope, after, *error);
    } else if (after.state != RotationState::open) {
      if (after.state == RotationState::abandoned) failing_[scope].erase(after.id);
      no_verdict(scope, after.id);
    }
  }
}

void CircuitBreakers::failed(BrakeScope const& scope, Rotation const& rotation, Error const& error) {
  Failing& failing = failing_[scope];
  bool const first_time = failing.insert(rotation.id).second;
  if (Hold const* const open = holds_.find(HoldKind::circuit_open, scope)) {
    if (detail(open->details, "probe") == rotation.id.str()) probe_failed(*open, to_text(error));
    return;
  }
  if (!first_time || failing.size() < limit_of(scope)) return;
  Hold hold;
  hold.kind = HoldKind::circuit_open;
  hold.scope = scope;
  hold.next_try = world_.clock.wall_now() + probe_delay(0);
  hold.sentence = fmt::format("{} rotations of {} failed one after the other", failing.size(), scope.text());
  hold.details["failures"] = std::to_string(failing.size());
  hold.details["failed_probes"] = std::to_string(0);
  hold.details["last_error"] = to_text(error);
  holds_.place(std::move(hold));
}

void CircuitBreakers::probe_failed(Hold hold, std::string const& what) {
  unsigned const probes = count_in(hold, "failed_probes") + 1;
  hold.details.erase("probe");
  hold.details["failed_probes"] = std::to_string(probes);
  hold.details["last_error"] = what;
  hold.next_try = world_.clock.wall_now() + probe_delay(probes);
  holds_.place(std::move(hold));
}

/// The probe ended in a way that says nothing of the provider or the policy: the next one may begin.
void CircuitBreakers::no_verdict(BrakeScope const& scope, RotationId const& rotation) {
  Hold const* const open = holds_.find(HoldKind::circuit_open, scope);
  if (open == nullptr || detail(open->details, "probe") != rotation.str()) return;
  Hold hold = *open;
  hold.details.erase("probe");
  hold.next_try = world_.clock.wall_now();
  holds_.place(std::move(hold));
}

void CircuitBreakers::began(KeyRef const& key, PolicyName const& policy, RotationId const& rotation) {
  for (BrakeScope const& scope : scopes_of(key.provider, policy)) {
    Hold const* const open = holds_.find(HoldKind::circuit_open, scope);
    if (open == nullptr) continue;
    Hold hold = *open;
    hold.details["probe"] = rotation.str();
    hold.next_try.reset();
    holds_.place(std::move(hold));
  }
}

void CircuitBreakers::did_not_begin(KeyRef const& key, PolicyName const& policy, RotationId const& rotation) {
  for (BrakeScope const& scope : scopes_of(key.provider, policy)) no_verdict(scope, rotation);
}

}  // namespace rekeyd::daemon
