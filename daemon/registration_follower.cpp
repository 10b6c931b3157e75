#include "daemon/registration_follower.hpp"

#include "daemon/journal.hpp"
#include "daemon/observed_registrations.hpp"
#include "daemon/step_outcomes.hpp"
#include "policy/named_resources.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rekeyd::daemon {

namespace asio = boost::asio;

namespace {

constexpr auto call_patience = std::chrono::minutes(2);
/// What the services are given to take a version up, and how soon they may be asked again (IBM Cloud docs:
/// key rotation; syncing associated resources).
constexpr auto services_time = std::chrono::hours(4);
constexpr auto between_asking = std::chrono::hours(1);

/// Most services follow within seconds, the slowest within hours; each look is on record.
std::chrono::seconds pause_after(std::chrono::seconds since_asked) {
  return std::clamp<std::chrono::seconds>(since_asked / 2, std::chrono::seconds(15), std::chrono::hours(1));
}

std::vector<ResourceId> names_of(std::vector<Registration> const& registrations) {
  std::vector<ResourceId> names;
  for (Registration const& each : registrations) names.push_back(each.resource);
  return names;
}

constexpr char not_before_detail[] = "not_before";

}  // namespace

void RegistrationFollower::tell(Follow const& follow, std::vector<Registration> const& known,
                                std::vector<Registration> const& now, RegistrationsLook& look) const {
  tell_registrations(known, now, world_.clock.wall_now(), look.facts);
  for (HistoryEvent& event : look.facts.events) {
    event.rotation = follow.rotation.id;
    event.policy = follow.rotation.policy;
  }
}

asio::awaitable<RegistrationsLook> RegistrationFollower::run(Rotation rotation, Instant version_made,
                                                             std::chrono::seconds patience) {
  RegistrationsLook look;
  KeyRef const key = rotation.key;
  providers::KmsProvider& kms = *world_.provider(key.provider)->kms;
  if (!kms.capabilities(key).tells_registrations) co_return look;
  auto const deadline = world_.clock.mono_now() + call_patience;
  Result<std::vector<Registration>> const now = co_await kms.registrations(key, deadline);
  auto const known = world_.store.registrations(key);
  if (!now || !known) {
    look.unfinished = outcome_of(now ? known.error() : now.error());
    co_return look;
  }
  Follow follow{std::move(rotation), version_made, {}, {}};
  follow.end = std::max(version_made, follow.rotation.opened) + patience;
  tell(follow, *known, *now, look);
  // One that does not tell its version cannot be waited for.
  std::ranges::copy_if(*now, std::back_inserter(follow.behind), [&](Registration const& each) {
    return each.version && each.version != follow.rotation.new_version;
  });
  if (follow.behind.empty()) co_return look;
  if (world_.clock.wall_now() >= follow.end) {
    give_up(follow, look);
  } else {
    co_await ask(follow, look);
  }
  co_return look;
}

/// Of the version: from the history, so that a restart asks no sooner.
Result<RegistrationFollower::Asked> RegistrationFollower::last_asked(Follow const& follow) const {
  storage::HistoryQuery query;
  query.key = follow.rotation.key;
  query.kind = EventKind::registrations_synced;
  query.since = follow.version_made;
  query.newest_first = true;
  query.limit = 1;
  auto const events = world_.store.history(query);
  if (!events) return std::unexpected(events.error());
  if (events->empty()) return Asked{follow.version_made, follow.version_made + services_time};
  HistoryEvent const& last = events->front().event;
  Asked asked{last.at, last.at + between_asking};
  auto const named = last.details.find(not_before_detail);
  auto const instant = named == last.details.end() ? std::nullopt : parse_rfc3339(named->second);
  if (instant) asked.not_before = *instant;
  return asked;
}

/// Waits; before that, asks the services if it is time to.
asio::awaitable<void> RegistrationFollower::ask(Follow const& follow, RegistrationsLook& look) {
  Result<Asked> asked = last_asked(follow);
  bool const due = asked && world_.clock.wall_now() >= asked->not_before;
  if (due) asked = co_await sync(follow, look);
  if (!asked) {
    look.unfinished = StepAgain{asked.error()};
    co_return;
  }
  Instant const now = world_.clock.wall_now();
  Instant const look_again = std::min(now + pause_after(now - asked->at), follow.end);
  look.unfinished =
      StepWait{look_again, fmt::format("the services of {} resources have not taken the new version up yet",
                                       follow.behind.size())};
}

/// That they are asked is on record before it goes out.
asio::awaitable<Result<RegistrationFollower::Asked>> RegistrationFollower::sync(Follow const& follow,
                                                                                RegistrationsLook& look) {
  HistoryEvent event = event_of(follow.rotation, EventKind::registrations_synced,
                                "the services of resources that are behind are asked to take the version up",
                                world_.clock.wall_now());
  event.version = follow.rotation.new_version;
  event.outcome = EventOutcome::held;
  event.details["behind"] = named(names_of(follow.behind));
  storage::Change intent;
  intent.events.push_back(event);
  Result<void> const durable = co_await group_.commit(std::move(intent));
  if (!durable) co_return std::unexpected(durable.error());
  KeyRef const& key = follow.rotation.key;
  auto const deadline = world_.clock.mono_now() + call_patience;
  Result<providers::Evidence> const synced =
      co_await world_.provider(key.provider)->kms->sync_registrations(key, deadline);
  event.at = world_.clock.wall_now();
  Asked asked{event.at, event.at + between_asking};
  if (synced) {
    event.outcome = EventOutcome::ok;
    add_evidence(event, *synced);
  } else {
    event.outcome = EventOutcome::failed;
    event.sentence = synced.error().what;
    event.error_code = synced.error().code;
    event.request_id = synced.error().request_id;
    if (synced.error().retry_after) asked.not_before = event.at + *synced.error().retry_after;
    event.details[not_before_detail] = to_rfc3339(asked.not_before);
  }
  look.facts.events.push_back(std::move(event));
  co_return asked;
}

void RegistrationFollower::give_up(Follow const& follow, RegistrationsLook& look) const {
  HistoryEvent event =
      event_of(follow.rotation, EventKind::registrations_behind,
               fmt::format("the time for {} resources to take the new version up is over; they go on working "
                           "under the version that they have",
                           follow.behind.size()),
               world_.clock.wall_now());
  event.version = follow.rotation.new_version;
  event.outcome = EventOutcome::failed;
  event.details["behind"] = named(names_of(follow.behind));
  look.facts.events.push_back(std::move(event));
}

}  // namespace rekeyd::daemon
