#include "daemon/resource_watch.hpp"

#include "daemon/journal.hpp"
#include "daemon/observed_registrations.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

namespace rekeyd::daemon {

namespace asio = boost::asio;

namespace {

constexpr auto survey_patience = std::chrono::minutes(15);

// The first inventory may take a moment longer than the first survey, whose keys it has to know.
constexpr auto shortest_pause = std::chrono::seconds(5);

std::chrono::seconds pause_after(int failures) {
  if (failures <= 2) return shortest_pause;
  return backoff(failures - 2, Error{.error_class = ErrorClass::transient});
}

using ByKey = std::map<KeyRef, std::vector<Registration>>;

/// Adds the known registrations to a survey's that it did not show.
void keep_unseen(std::vector<Registration> const& known, std::vector<Registration>& seen) {
  std::set<ResourceId> shown;
  for (Registration const& each : seen) shown.insert(each.resource);
  std::ranges::copy_if(known, std::back_inserter(seen),
                       [&](Registration const& each) { return !shown.contains(each.resource); });
}

ByKey by_key(std::vector<Registration> registrations) {
  ByKey sorted;
  for (Registration& each : registrations) sorted[each.key].push_back(std::move(each));
  return sorted;
}

/// It waits for somebody to name the current version to it, and nobody is doing so.
bool is_left_behind(Registration const& registration, RootKey const& key) {
  bool const pinned = registration.following == Following::when_told ||
                      registration.following == Following::when_told_at_rest;
  return pinned && registration.version && key.current && registration.version != key.current;
}

std::vector<ResourceId> never_following(std::vector<Registration> const& registrations) {
  std::vector<ResourceId> fixed;
  for (Registration const& each : registrations) {
    if (each.following == Following::never) fixed.push_back(each.resource);
  }
  return fixed;
}

HistoryEvent drift_event(Registration const& registration, RootKey const& key, Instant at) {
  HistoryEvent event;
  event.at = at;
  event.kind = EventKind::drift;
  event.key = registration.key;
  event.version = registration.version;
  event.actor = "provider";
  event.sentence = "a resource uses a version of the key that is not the current one";
  event.details["resource"] = registration.resource.str();
  event.details["resource_kind"] = registration.kind;
  event.details["current_version"] = key.current->str();
  return event;
}

}  // namespace

/// What a survey has brought: rows and events, and the rotations that take along what was left behind.
struct ResourceWatch::Differences {
  storage::Change change;
  std::vector<Rotation> followers;
  std::set<KeyRef> unplaced;
  std::set<KeyRef> with_never_following;  ///< Keys that have, or had, resources that never follow.
};

ResourceWatch::ResourceWatch(World& world, Fleet& fleet, Rotator& rotator, StopFlag const& stop,
                             ProviderName provider, std::chrono::seconds every, std::function<void()> changed)
    : world_(world),
      fleet_(fleet),
      rotator_(rotator),
      stop_(stop),
      provider_(std::move(provider)),
      every_(every),
      changed_(std::move(changed)) {}

asio::awaitable<void> ResourceWatch::run() {
  while (!stop_.requested) {
    bool const complete = co_await look();
    failures_ = complete ? 0 : failures_ + 1;
    std::chrono::seconds pause = every_;
    if (!complete) pause = std::min(every_, pause_after(failures_));
    auto const next = world_.clock.mono_now() + pause;
    co_await world_.clock.sleep_until(next);
  }
}

asio::awaitable<bool> ResourceWatch::look() {
  ProviderInstance& instance = *world_.provider(provider_);
  auto const surveyed = world_.clock.mono_now();
  Result<providers::ResourceSurvey> const survey =
      co_await instance.resources->survey(surveyed + survey_patience);
  if (!survey) {
    remember_error(survey.error());
    co_return false;
  }
  Result<bool> const recorded = record(*survey, surveyed);
  if (!recorded) {
    remember_error(recorded.error());
    co_return false;
  }
  for (Error const& defect : survey->defects) remember_error(defect);
  changed_();
  co_return *recorded;
}

bool ResourceWatch::is_read(KeyRef const& key) const {
  TrackedKey const* const known = fleet_.find(key);
  return known != nullptr && known->stored.last_seen != Instant{} && !fleet_.awaits_reading(*known);
}

/// A rotation moves its key's resources from its propagate step on, and tells of them itself.
bool ResourceWatch::out_of_hand(KeyRef const& key, providers::Clock::Mono surveyed) const {
  TrackedKey const& known = *fleet_.find(key);
  bool const moving = known.rotation && known.rotation->state == RotationState::open &&
                      known.rotation->step >= Step::propagate;
  return !moving && (!known.moved_resources || *known.moved_resources < surveyed);
}

Result<bool> ResourceWatch::record(providers::ResourceSurvey const& survey, providers::Clock::Mono surveyed) {
  Result<Differences> found = compare(survey, surveyed);
  if (!found) return std::unexpected(found.error());
  if (Result<void> const written = world_.store.commit(found->change); !written) {
    return std::unexpected(written.error());
  }
  for (Rotation& follower : found->followers) {
    TrackedKey& key = *fleet_.find(follower.key);
    key.rotation = std::move(follower);
    fleet_.look_anew(key);
  }
  for (KeyRef const& key : found->with_never_following) {
    auto const registrations = world_.store.registrations(key);
    if (!registrations) return std::unexpected(registrations.error());
    fleet_.put_never_following(key, never_following(*registrations));
  }
  ResourceHealth& health = world_.provider(provider_)->resource_health;
  auto const took = std::chrono::ceil<std::chrono::seconds>(world_.clock.mono_now() - surveyed);
  health.last_survey = world_.clock.wall_now() - took;
  health.last_error.clear();
  health.unplaced = std::move(found->unplaced);
  return health.unplaced.empty();
}

Result<ResourceWatch::Differences> ResourceWatch::compare(providers::ResourceSurvey const& survey,
                                                          providers::Clock::Mono surveyed) {
  providers::ResourceController const& controller = *world_.provider(provider_)->resources;
  Result<std::vector<Registration>> known = world_.store.registrations_under(controller.id_prefix());
  if (!known) return std::unexpected(known.error());
  std::erase_if(*known, [&](Registration const& each) { return !controller.looks_after(each.resource); });
  std::vector<Registration> seen = survey.resources;
  // What could not be read may be any of those that are missing.
  if (!survey.defects.empty()) keep_unseen(*known, seen);
  ByKey before = by_key(*std::move(known));
  ByKey now = by_key(std::move(seen));
  for (auto const& [key, registrations] : before) now[key];

  Differences differences;
  Instant const at = world_.clock.wall_now();
  for (auto const& [key, registrations] : now) {
    if (!is_read(key)) differences.unplaced.insert(key);
    bool const fixed = !never_following(registrations).empty() || !never_following(before[key]).empty();
    if (fixed) differences.with_never_following.insert(key);
    if (!is_read(key) || !out_of_hand(key, surveyed)) continue;
    tell_registrations(before[key], registrations, at, differences.change);
    Result<void> const followed =
        follow_drift(before[key], registrations, differences.change, differences.followers);
    if (!followed) return std::unexpected(followed.error());
  }
  return differences;
}

/// A resource that points at another version than the current one is drift: told when it is first seen so,
/// and followed where the policy lets us act, unless a person has given just that up.
Result<void> ResourceWatch::follow_drift(std::vector<Registration> const& before,
                                         std::vector<Registration> const& now, storage::Change& change,
                                         std::vector<Rotation>& followers) {
  Registration const* left_behind = nullptr;
  for (Registration const& registration : now) {
    TrackedKey const& key = *fleet_.find(registration.key);
    if (key.rotation) return {};  // It is what moves them, once it can.
    if (!is_left_behind(registration, key.stored.key)) continue;
    left_behind = &registration;
    auto const old = std::ranges::find(before, registration.resource, &Registration::resource);
    bool const told =
        old != before.end() && is_left_behind(*old, key.stored.key) && old->version == registration.version;
    if (!told) change.events.push_back(drift_event(registration, key.stored.key, world_.clock.wall_now()));
  }
  if (left_behind == nullptr) return {};
  TrackedKey const& key = *fleet_.find(left_behind->key);
  auto const last = world_.store.rotations(left_behind->key, 1);
  if (!last) return std::unexpected(last.error());
  bool const given_up = !last->empty() && last->front().state == RotationState::abandoned &&
                        last->front().new_version == key.stored.key.current;
  if (given_up) return {};
  auto follower = rotator_.straggler(key.stored, *left_behind->version);
  if (!follower) return {};
  Journal::add_opening(*follower, change);
  followers.push_back(*std::move(follower));
  return {};
}

void ResourceWatch::remember_error(Error const& error) {
  spdlog::warn("provider {}: resources: {}", provider_.str(), to_text(error));
  world_.provider(provider_)->resource_health.last_error = to_text(error);
}

}  // namespace rekeyd::daemon
