#include "daemon/old_versions.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rekeyd::daemon {

namespace asio = boost::asio;

namespace {

constexpr auto call_patience = std::chrono::minutes(2);
// Surveys are hourly unless the configuration says otherwise; one that is older may have missed somebody.
constexpr auto survey_age_max = std::chrono::hours(25);

bool time_has_come(std::vector<Retirement> const& all, Instant now) {
  return std::ranges::any_of(all, [&](Retirement const& each) { return each.from <= now; });
}

/// When resources may last have changed hands by a rotation of ours.
Result<Instant> moved_at(World& world, KeyRef const& key) {
  auto const last = world.store.rotations(key, 1);
  if (!last) return std::unexpected(last.error());
  return last->empty() ? Instant{} : last->front().ended.value_or(Instant{});
}

/// A provider that keeps no list of what uses a key is believed only through surveys of the resources: what a
/// resource leaves behind, as a SQL server its former key, none but a later one shows.
std::string why_unknown(World& world, KeyRef const& key, Instant moved, Instant now) {
  bool somebody_looks = false;
  for (auto const& [name, instance] : world.providers) {
    if (instance->resources == nullptr || !instance->resources->may_use(key)) continue;
    somebody_looks = true;
    ResourceHealth const& health = instance->resource_health;
    bool const whole = health.last_survey && *health.last_survey > moved && health.last_error.empty() &&
                       !health.unplaced.contains(key) && *health.last_survey + survey_age_max > now;
    if (!whole) return fmt::format("the resources of provider {} have not been surveyed wholly", name.str());
  }
  auto const instance = world.providers.find(key.provider);
  bool const tells =
      instance != world.providers.end() && instance->second->kms->capabilities(key).tells_registrations;
  if (somebody_looks || tells) return {};
  return "no provider entry names resources to look through, so nobody knows what uses the key";
}

}  // namespace

UpkeepAbilities abilities_of(World& world, KeyRef const& key) {
  ProviderInstance* const instance = world.provider(key.provider);
  if (instance == nullptr) return {};
  providers::Capabilities const& can = instance->kms->capabilities(key);
  return {.provider_rotation = can.rotates_by_itself,
          .version_expiry = can.versions_expire,
          .disabling = can.versions_can_be_disabled,
          .tags = can.tags_can_be_set,
          .month_days = can.month_days};
}

Result<std::vector<Retirement>> retirements_of(World& world, TrackedKey const& key) {
  auto const* applied = std::get_if<AppliedPolicy>(&key.match);
  bool const has_old =
      key.stored.versions.size() > 1 || (key.stored.replaced && !key.stored.versions.empty());
  bool const none = applied == nullptr || !applied->policy->upkeep.retire || !has_old;
  if (none) return std::vector<Retirement>();
  KeyRef const& ref = key.stored.key.ref;
  Instant const now = world.clock.wall_now();
  auto const registrations = world.store.registrations(ref);
  if (!registrations) return std::unexpected(registrations.error());
  UpkeepFacts const facts{.key = key.stored.key,
                          .versions = key.stored.versions,
                          .applied = *applied,
                          .can = abilities_of(world, ref),
                          .rotation_unfinished = key.rotation.has_value(),
                          .replaced = key.stored.replaced,
                          .now = now};
  auto const moved = moved_at(world, ref);
  if (!moved) return std::unexpected(moved.error());
  Dependants const dependants{.registrations = *registrations,
                              .unknown = why_unknown(world, ref, *moved, now)};
  return retirements(facts, dependants);
}

asio::awaitable<Result<bool>> OldVersions::all_left(KeyRef key, std::optional<VersionId> kept) {
  auto const registrations = world_.store.registrations(key);
  if (!registrations) co_return std::unexpected(registrations.error());
  auto const deadline = world_.clock.mono_now() + call_patience;
  for (Registration const& each : *registrations) {
    if (each.following == Following::past) continue;  // It names the version that it needs.
    providers::ResourceController* const controller = world_.resource_controller(each.resource);
    if (controller == nullptr) continue;
    Result<Registration> const now = co_await controller->describe(each.resource, deadline);
    bool const gone = !now && now.error().error_class == ErrorClass::not_found;
    if (gone) continue;
    if (!now) co_return std::unexpected(now.error());
    bool const needs_another = !kept || now->version != kept;
    if (now->key == key && needs_another) co_return false;
  }
  // No version has an empty id: without one that is kept, every wrapped DEK of the key is left behind.
  VersionId const target = kept.value_or(VersionId());
  Result<std::size_t> const left = co_await rewrapper_.left_behind(key, target);
  if (!left) co_return std::unexpected(left.error());
  co_return *left == 0;
}

asio::awaitable<Result<std::vector<RetireVersion>>> OldVersions::retirable(TrackedKey const& key) {
  std::vector<RetireVersion> may;
  Result<std::vector<Retirement>> const all = retirements_of(world_, key);
  if (!all) co_return std::unexpected(all.error());
  Instant const now = world_.clock.wall_now();
  if (!time_has_come(*all, now)) co_return may;
  for (Retirement const& each : *all) {
    if (each.from <= now && each.held_by.empty()) may.push_back({each.version, each.by});
  }
  if (may.empty()) co_return may;
  std::optional<VersionId> kept;
  if (!key.stored.replaced) kept = key.stored.key.current;
  Result<bool> const unused = co_await all_left(key.stored.key.ref, kept);
  if (!unused) co_return std::unexpected(unused.error());
  if (!*unused) may.clear();
  co_return may;
}

}  // namespace rekeyd::daemon
