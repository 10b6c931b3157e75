#include "daemon/fleet.hpp"

#include <algorithm>

namespace rekeyd::daemon {

Result<std::optional<Instant>> last_restore(storage::StoreReader& store) {
  storage::HistoryQuery restores;
  restores.kind = EventKind::database_restored;
  std::optional<Instant> last;
  for (;;) {
    auto const found = store.history(restores);
    if (!found) return std::unexpected(found.error());
    if (found->empty()) return last;
    last = found->back().event.at;
    restores.after_sequence = found->back().sequence;
  }
}

Fleet::Fleet(World& world, std::chrono::seconds overdue_after)
    : world_(world), overdue_after_(overdue_after) {}

Result<void> Fleet::load() {
  auto restored = last_restore(world_.store);
  if (!restored) return std::unexpected(restored.error());
  restored_at_ = *restored;
  auto stored = world_.store.keys();
  if (!stored) return std::unexpected(stored.error());
  for (storage::StoredKey& key : *stored) {
    KeyRef const ref = key.key.ref;
    TrackedKey tracked;
    tracked.stored = std::move(key);
    keys_.emplace(ref, std::move(tracked));
  }
  auto unfinished = world_.store.unfinished_rotations();
  if (!unfinished) return std::unexpected(unfinished.error());
  for (Rotation& rotation : *unfinished) {
    if (TrackedKey* key = find(rotation.key)) key->rotation = std::move(rotation);
  }
  auto fixed = world_.store.registrations_following(Following::never);
  if (!fixed) return std::unexpected(fixed.error());
  for (Registration& each : *fixed) {
    if (TrackedKey* key = find(each.key)) key->never_follow.push_back(std::move(each.resource));
  }
  for (auto& [ref, key] : keys_) look_anew(key);
  return {};
}

void Fleet::put_never_following(KeyRef const& key, std::vector<ResourceId> resources) {
  TrackedKey* const tracked = find(key);
  if (tracked == nullptr || tracked->never_follow == resources) return;
  tracked->never_follow = std::move(resources);
  look_anew(*tracked);
}

std::optional<Instant> Fleet::believe_from(KeyRef const& key) const {
  if (!restored_at_) return std::nullopt;
  ProviderInstance* const instance = world_.provider(key.provider);
  std::chrono::seconds lag{0};
  if (instance != nullptr) lag = instance->kms->capabilities(key).visibility_lag;
  return *restored_at_ + lag;
}

bool Fleet::awaits_reading(TrackedKey const& key) const {
  auto const from = believe_from(key.stored.key.ref);
  return from && !key.stored.gone && key.stored.last_seen < *from;
}

std::size_t Fleet::keys_awaiting_reading() const {
  if (!restored_at_) return 0;
  return static_cast<std::size_t>(
      std::ranges::count_if(keys_, [this](auto const& entry) { return awaits_reading(entry.second); }));
}

TrackedKey const* Fleet::about_to_be_replaced_by(KeyRef const& successor) const {
  for (auto const& [ref, key] : keys_) {
    if (key.rotation && key.rotation->successor == successor) return &key;
  }
  return nullptr;
}

TrackedKey* Fleet::find(KeyRef const& key) {
  auto const found = keys_.find(key);
  return found == keys_.end() ? nullptr : &found->second;
}

TrackedKey& Fleet::put(storage::StoredKey stored) {
  KeyRef const ref = stored.key.ref;
  TrackedKey& key = keys_[ref];
  key.stored = std::move(stored);
  key.read_error.clear();
  key.match = match_policy(policies_->policies, key.stored.key);
  look_anew(key);
  return key;
}

void Fleet::apply(std::shared_ptr<PolicySet const> policies) {
  for (auto& [ref, key] : keys_) key.match = match_policy(policies->policies, key.stored.key);
  policies_ =
      std::move(policies);  // only now: the matches above point into the new set, the old ones are gone
  policies_since_ = world_.clock.wall_now();
  for (auto& [ref, key] : keys_) look_anew(key);
}

void Fleet::look_anew(TrackedKey& key) {
  ++changes_;
  Verdict const said = verdict(key);
  std::optional<Instant> when = said.next_try;
  // An open rotation that waits for nothing has to be carried on now.
  bool const may_go_on = key.rotation && key.rotation->state == RotationState::open && !awaits_reading(key);
  if (may_go_on && !when) when = world_.clock.wall_now();
  if (key.running) when.reset();
  file(key, when);
}

void Fleet::look_anew_at_rotations() {
  for (auto& [ref, key] : keys_) {
    if (key.rotation) look_anew(key);
  }
}

void Fleet::file(TrackedKey& key, std::optional<Instant> when) {
  KeyRef const& ref = key.stored.key.ref;
  for (Index* index : {&to_continue_, &to_begin_}) {
    auto const lane = key.look_at ? index->find(key.lane) : index->end();
    if (lane == index->end()) continue;
    lane->second.erase({*key.look_at, ref});
    if (lane->second.empty()) index->erase(lane);
  }
  key.look_at = when;
  if (!when) return;
  key.lane = lane_of(key);
  Index& index = key.rotation ? to_continue_ : to_begin_;
  index[key.lane].insert({*when, ref});
}

Lane Fleet::lane_of(TrackedKey const& key) {
  ProviderName const& provider = key.stored.key.ref.provider;
  if (key.rotation) return {provider, key.rotation->policy};
  if (auto const* applied = std::get_if<AppliedPolicy>(&key.match)) return {provider, applied->policy->name};
  return {provider, {}};
}

void Fleet::admit_all() {
  for (auto& [ref, key] : keys_) {
    if (key.stored.admitted) continue;
    key.stored.admitted = true;
    look_anew(key);
  }
}

KeyFacts Fleet::facts_of(TrackedKey const& key, BrakeFacts const* brakes) const {
  KeyFacts facts{.key = key.stored.key,
                 .versions = key.stored.versions,
                 .match = key.match,
                 .rotation = key.rotation,
                 .provider_configured = false,
                 .gone = key.stored.gone,
                 .read_error = key.read_error,
                 .rotation_floor = std::nullopt,
                 .deactivated_may_rotate = false,
                 .admitted = key.stored.admitted,
                 .never_follow = key.never_follow,
                 .brakes = brakes,
                 .overdue_after = overdue_after_,
                 .now = world_.clock.wall_now(),
                 .restored_unread = awaits_reading(key),
                 .replaced = key.stored.replaced,
                 .read_at = key.stored.last_seen,
                 .rotation_month = std::nullopt};
  if (ProviderInstance* instance = world_.provider(key.stored.key.ref.provider)) {
    facts.provider_configured = true;
    auto const& capabilities = instance->kms->capabilities(key.stored.key.ref);
    facts.rotation_floor = capabilities.rotation_floor;
    facts.deactivated_may_rotate = capabilities.deactivated_may_rotate;
    facts.provider_tells_origin = capabilities.tells_origin;
    if (capabilities.month_days) facts.rotation_month = std::chrono::days(*capabilities.month_days);
  }
  return facts;
}

Verdict Fleet::verdict(TrackedKey const& key, BrakeFacts const* brakes) const {
  return decide(facts_of(key, brakes));
}

}  // namespace rekeyd::daemon
