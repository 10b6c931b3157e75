#include "daemon/observed_registrations.hpp"

#include "policy/named_resources.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <tuple>

namespace rekeyd::daemon {

namespace {

HistoryEvent event_about(Registration const& registration, EventKind kind, std::string sentence, Instant at) {
  HistoryEvent event;
  event.at = at;
  event.kind = kind;
  event.key = registration.key;
  event.version = registration.version;
  event.actor = "provider";
  event.sentence = std::move(sentence);
  event.details["resource"] = registration.resource.str();
  event.details["resource_kind"] = registration.kind;
  return event;
}

std::vector<ResourceId> missing_in(std::vector<ResourceId> const& from, std::vector<ResourceId> const& in) {
  std::vector<ResourceId> missing;
  std::ranges::set_difference(from, in, std::back_inserter(missing));
  return missing;
}

std::string word_of(Registration const& registration) {
  return registration.condition ? registration.condition->word : "";
}

/// What is wrong with a resource, or no longer is.
void tell_condition(Registration const& old, Registration const& now, Instant at, storage::Change& change) {
  if (word_of(old) == word_of(now)) return;
  std::string const sentence =
      now.condition ? now.condition->sentence : "what was wrong with the resource is over";
  HistoryEvent event = event_about(now, EventKind::registration_changed, sentence, at);
  event.details["condition"] = fmt::format("{} -> {}", word_of(old), word_of(now));
  if (now.condition) event.details["remedy"] = now.condition->remedy;
  if (now.condition) event.outcome = EventOutcome::held;
  change.events.push_back(std::move(event));
}

void tell_ties(Registration const& old, Registration const& now, Instant at, storage::Change& change) {
  auto const came = missing_in(now.tied, old.tied);
  auto const went = missing_in(old.tied, now.tied);
  if (came.empty() && went.empty()) return;
  HistoryEvent event =
      event_about(now, EventKind::registration_changed,
                  fmt::format("{} came to live on the resource, {} left it", came.size(), went.size()), at);
  if (!came.empty()) event.details["came"] = named(came, " ");
  if (!went.empty()) event.details["left"] = named(went, " ");
  change.events.push_back(std::move(event));
}

void tell_further_facts(Registration const& old, Registration const& now, Instant at,
                        storage::Change& change) {
  if (old.following == now.following && old.details == now.details) return;
  HistoryEvent event =
      event_about(now, EventKind::registration_changed, "the resource's settings changed", at);
  if (old.following != now.following) {
    event.details["following"] = fmt::format("{} -> {}", to_text(old.following), to_text(now.following));
  }
  for (auto const& [name, value] : now.details) {
    auto const before = old.details.find(name);
    std::string const old_value = before == old.details.end() ? "" : before->second;
    if (old_value != value) event.details[name] = fmt::format("{} -> {}", old_value, value);
  }
  for (auto const& [name, value] : old.details) {
    if (!now.details.contains(name)) event.details[name] = fmt::format("{} -> ", value);
  }
  change.events.push_back(std::move(event));
}

/// The older rekeyd on whose record it stands knew nothing of how resources follow: what is found now is not
/// a change.
bool never_told(Registration const& old) {
  return old.following == Following::unknown && old.details.empty() && old.tied.empty() && !old.condition;
}

void tell_changes(Registration const& old, Registration const& now, Instant at, storage::Change& change) {
  if (old.version != now.version) {
    change.events.push_back(
        event_about(now, EventKind::registration_moved, "resource uses another version of the key now", at));
  }
  if (old.prevents_deletion != now.prevents_deletion) {
    change.events.push_back(event_about(now, EventKind::registration_changed,
                                        now.prevents_deletion
                                            ? "resource prevents now that the key is deleted"
                                            : "resource no longer prevents that the key is deleted",
                                        at));
  }
  tell_condition(old, now, at, change);
  if (never_told(old)) return;
  tell_ties(old, now, at, change);
  tell_further_facts(old, now, at, change);
}

using Tie = std::tuple<KeyRef, ResourceId, std::optional<VersionId>, bool>;

std::set<Tie> ties_of(std::vector<Registration> const& registrations, ProviderName const& provider,
                      VaultName const& vault) {
  std::set<Tie> ties;
  for (Registration const& each : registrations) {
    bool const there = each.key.provider == provider && each.key.vault == vault;
    if (there) ties.emplace(each.key, each.resource, each.version, each.prevents_deletion);
  }
  return ties;
}

}  // namespace

std::set<KeyRef> keys_registered_otherwise(std::vector<Registration> const& known,
                                           std::vector<Registration> const& now, ProviderName const& provider,
                                           VaultName const& vault) {
  std::vector<Tie> differing;
  std::ranges::set_symmetric_difference(ties_of(known, provider, vault), ties_of(now, provider, vault),
                                        std::back_inserter(differing));
  std::set<KeyRef> keys;
  for (Tie const& each : differing) keys.insert(std::get<KeyRef>(each));
  return keys;
}

void tell_registrations(std::vector<Registration> const& before, std::vector<Registration> const& after,
                        Instant now, storage::Change& change) {
  for (Registration const& registration : after) {
    auto const old = std::ranges::find(before, registration.resource, &Registration::resource);
    if (old != before.end() && *old == registration) continue;
    change.registrations.push_back(registration);
    if (old != before.end()) {
      tell_changes(*old, registration, now, change);
      continue;
    }
    change.events.push_back(
        event_about(registration, EventKind::registration_found, "resource uses the key", now));
    tell_condition({}, registration, now, change);
  }
  for (Registration const& registration : before) {
    if (std::ranges::find(after, registration.resource, &Registration::resource) != after.end()) continue;
    change.registrations_gone.push_back(registration);
    change.events.push_back(
        event_about(registration, EventKind::registration_gone, "resource no longer uses the key", now));
  }
}

}  // namespace rekeyd::daemon
