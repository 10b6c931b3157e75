#include "daemon/upkeep.hpp"

#include "daemon/storm.hpp"
#include "daemon/upkeep_records.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace rekeyd::daemon {

namespace asio = boost::asio;

namespace {

constexpr auto call_patience = std::chrono::minutes(2);
/// So many keys are looked at before others on the loop have their turn.
constexpr int keys_at_a_stretch = 256;

/// Has the key in hand as long as it lives.
class InHand {
 public:
  InHand(Fleet& fleet, TrackedKey& key) : fleet_(fleet), key_(key) {
    key_.running = true;
    fleet_.look_anew(key_);
  }
  ~InHand() {
    key_.running = false;
    fleet_.look_anew(key_);
  }
  InHand(InHand const&) = delete;
  InHand& operator=(InHand const&) = delete;

 private:
  Fleet& fleet_;
  TrackedKey& key_;
};

UpkeepFacts facts_of(World& world, TrackedKey const& key, AppliedPolicy const& applied) {
  UpkeepAbilities can = abilities_of(world, key.stored.key.ref);
  // Machines that stay on one version for good are not to be left behind by the provider either.
  if (used_by_disk_encryption(&applied, key.never_follow)) can.provider_rotation = false;
  return {.key = key.stored.key,
          .versions = key.stored.versions,
          .applied = applied,
          .can = can,
          .rotation_unfinished = key.rotation.has_value(),
          .replaced = key.stored.replaced,
          .now = world.clock.wall_now()};
}

bool wants_retirement(TrackedKey const& key) {
  auto const* applied = std::get_if<AppliedPolicy>(&key.match);
  return applied != nullptr && applied->policy->upkeep.retire &&
         (key.stored.versions.size() > 1 || key.stored.replaced);
}

}  // namespace

Upkeep::Upkeep(World& world, Fleet& fleet, StopFlag const& stop, ProviderName provider, Links links)
    : world_(world),
      fleet_(fleet),
      stop_(stop),
      provider_(std::move(provider)),
      links_(std::move(links)),
      old_versions_(world, stop),
      group_(world.executor, world.store, world.committing) {}

void Upkeep::look_at(KeyRef const& key) {
  if (key.provider != provider_) return;
  to_look_at_.insert(key);
  bell_.ring();
}

void Upkeep::look_at_all() {
  for (auto const& [ref, key] : fleet_.keys()) {
    if (ref.provider == provider_) to_look_at_.insert(ref);
  }
  bell_.ring();
}

void Upkeep::start_anew() {
  for (auto& [key, trouble] : troubles_) trouble.rest_until = {};
  look_at_all();
}

/// Each try is on record: not too many of those that will fail again.
void Upkeep::note(KeyRef const& key, Result<void> const& kept) {
  if (kept) {
    troubles_.erase(key);
    return;
  }
  constexpr int doublings_max = 5;
  Trouble& trouble = troubles_[key];
  trouble.text = to_text(kept.error());
  auto const rest = std::min<std::chrono::hours>(
      std::chrono::hours(1 << std::min(trouble.failures, doublings_max)), std::chrono::hours(24));
  ++trouble.failures;
  trouble.rest_until = world_.clock.mono_now() + rest;
  spdlog::warn("{}: {}", key.text(), trouble.text);
}

std::vector<std::string> Upkeep::troubles() const {
  std::vector<std::string> told;
  for (auto const& [key, trouble] : troubles_) {
    told.push_back(fmt::format("{}: {}", key.text(), trouble.text));
  }
  return told;
}

asio::awaitable<void> Upkeep::run() {
  for (int looked = 1; !stop_.requested; ++looked) {
    auto const rings = bell_.rings();
    if (to_look_at_.empty()) {
      co_await bell_.wait(rings);
      continue;
    }
    KeyRef const key = to_look_at_.extract(to_look_at_.begin()).value();
    co_await look(key);
    if (looked % keys_at_a_stretch == 0) co_await asio::post(world_.executor, asio::use_awaitable);
  }
}

/// Nobody else is at it, what we know of it is to be believed, and it is not about to get another version.
bool Upkeep::is_free(TrackedKey const& key) const {
  bool const known = !key.stored.gone && key.read_error.empty() && !fleet_.awaits_reading(key);
  bool const returns = key.stored.replaced && fleet_.about_to_be_replaced_by(key.stored.key.ref) != nullptr;
  return known && !returns && !key.running && !key.rotation && !may_begin(fleet_.verdict(key));
}

/// A provider that is told to rotate a key which is due does so at once: the brakes hold that as they hold a
/// rotation of ours.
bool Upkeep::is_held(TrackedKey const& key, UpkeepTask const& task) const {
  bool const begins = std::holds_alternative<SetProviderRotation>(task) &&
                      is_due_at_its_provider(key, key.match, world_.clock.wall_now());
  if (!begins) return false;
  // Whether it came with too many others is judged when all providers have been looked at.
  bool const held = !key.stored.admitted || links_.held(key);
  if (!held) links_.begins(key);
  return held;
}

asio::awaitable<void> Upkeep::look(KeyRef key) {
  TrackedKey* const tracked = fleet_.find(key);
  if (tracked == nullptr || !is_free(*tracked) || links_.clock_in_doubt()) co_return;
  auto const trouble = troubles_.find(key);
  if (trouble != troubles_.end() && world_.clock.mono_now() < trouble->second.rest_until) co_return;
  auto const* applied = std::get_if<AppliedPolicy>(&tracked->match);
  if (applied == nullptr) {
    troubles_.erase(key);
    co_return;
  }
  std::vector<UpkeepTask> tasks = upkeep_tasks(facts_of(world_, *tracked, *applied));
  std::erase_if(tasks, [&](UpkeepTask const& task) { return is_held(*tracked, task); });
  if (tasks.empty() && !wants_retirement(*tracked)) {
    troubles_.erase(key);
    co_return;
  }
  {
    InHand const hand(fleet_, *tracked);
    Result<void> kept;
    for (UpkeepTask const& task : tasks) {
      if (kept && !stop_.requested) kept = co_await carry_out(*tracked, task);
    }
    if (kept && !stop_.requested) kept = co_await retire(*tracked);
    note(key, kept);
  }
  links_.changed();
}

asio::awaitable<Result<void>> Upkeep::retire(TrackedKey& key) {
  Result<std::vector<RetireVersion>> const may = co_await old_versions_.retirable(key);
  if (!may) co_return std::unexpected(may.error());
  for (RetireVersion const& version : *may) {
    Result<void> const retired = co_await carry_out(key, version);
    if (!retired || stop_.requested) co_return retired;
  }
  co_return Result<void>();
}

Result<std::map<std::string, std::string>> Upkeep::tags_for(KeyRef const& key, UpkeepTask const& task) {
  auto const* tag = std::get_if<TagRotation>(&task);
  if (tag == nullptr) return std::map<std::string, std::string>();
  auto const versions = world_.store.versions(key);
  if (!versions) return std::unexpected(versions.error());
  storage::StoredVersion made{.key = key, .version = {.id = tag->version}};
  for (storage::StoredVersion const& version : *versions) {
    if (version.version.id == tag->version) made = version;
  }
  return rotation_tags(*tag, made);
}

asio::awaitable<Result<providers::Evidence>> Upkeep::act(KeyRef key, Order order) {
  providers::KmsProvider& kms = *world_.provider(provider_)->kms;
  auto const deadline = world_.clock.mono_now() + call_patience;
  if (auto const* set = std::get_if<SetProviderRotation>(&order.task)) {
    Result<providers::Evidence> done = co_await kms.set_provider_rotation(key, set->every, deadline);
    co_return done;
  }
  if (auto const* set = std::get_if<SetVersionExpiry>(&order.task)) {
    Result<providers::Evidence> done =
        co_await kms.set_version_expiry(key, set->version, set->expires, deadline);
    co_return done;
  }
  if (auto const* set = std::get_if<RetireVersion>(&order.task)) {
    if (set->by == RetireBy::expiry) {
      Result<providers::Evidence> done =
          co_await kms.set_version_expiry(key, set->version, order.asked, deadline);
      co_return done;
    }
    Result<providers::Evidence> done = co_await kms.set_version_enabled(key, set->version, false, deadline);
    co_return done;
  }
  Result<providers::Evidence> done = co_await kms.set_tags(key, std::move(order.tags), deadline);
  co_return done;
}

asio::awaitable<Result<void>> Upkeep::record(storage::Change change) {
  Result<void> recorded = co_await group_.commit(std::move(change));
  co_return recorded;
}

asio::awaitable<Result<void>> Upkeep::carry_out(TrackedKey& key, UpkeepTask task) {
  KeyRef const ref = key.stored.key.ref;
  auto tags = tags_for(ref, task);
  if (!tags) co_return std::unexpected(tags.error());
  Order const order{.task = task, .tags = *std::move(tags), .asked = world_.clock.wall_now()};
  storage::Change intent;
  intent.events.push_back(upkeep_intended(key, task, order.asked));
  Result<void> const durable = co_await record(std::move(intent));
  if (!durable) co_return durable;
  Result<providers::Evidence> const done = co_await act(ref, order);
  if (!done) {
    storage::Change failed;
    failed.events.push_back(upkeep_failed(key, task, done.error(), world_.clock.wall_now()));
    Result<void> const told = co_await record(std::move(failed));
    if (!told) spdlog::error("{}: {}", ref.text(), to_text(told.error()));
    co_return std::unexpected(done.error());
  }
  Result<void> kept = co_await record_done(key, order, *done);
  co_return kept;
}

asio::awaitable<Result<void>> Upkeep::record_done(TrackedKey& key, Order order,
                                                  providers::Evidence evidence) {
  storage::StoredKey after = with_effect(key.stored, order.task, order.tags, evidence, order.asked);
  storage::Change change;
  change.keys.push_back(after);
  for (KeyVersion const& version : after.versions) {
    change.versions.push_back({after.key.ref, version, MadeBy::unknown, std::nullopt});
  }
  change.events.push_back(upkeep_done(key, order.task, evidence, world_.clock.wall_now()));
  Result<void> const recorded = co_await record(std::move(change));
  // Not on record, and done: the next reading of the key shows it.
  if (recorded) fleet_.put(std::move(after));
  co_return recorded;
}

}  // namespace rekeyd::daemon
