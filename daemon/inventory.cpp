#include "daemon/inventory.hpp"

#include "daemon/gather.hpp"
#include "daemon/journal.hpp"
#include "daemon/listing_news.hpp"
#include "daemon/observation.hpp"
#include "daemon/observed_registrations.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace rekeyd::daemon {

namespace asio = boost::asio;

namespace {

constexpr std::size_t readings_at_once = 16;
constexpr std::size_t keys_a_commit = 200;
constexpr auto page_patience = std::chrono::minutes(2);
constexpr auto read_patience = std::chrono::minutes(5);

/// One key's reading: filled by a task of its own.
struct Reading {
  KeyRef key;
  RootKey listed;
  std::optional<storage::StoredKey> known;  ///< When the reading began.
  Result<providers::KeyDescription> description{std::unexpect};
  std::optional<std::vector<Registration>> registrations;
};

/// Its rotation reads and writes it. One that is blocked rests, perhaps for weeks: then we look.
bool in_hand(TrackedKey const* key) {
  return key != nullptr && (key->running || (key->rotation && key->rotation->state == RotationState::open));
}

/// Something of it was changed and told while we were reading, perhaps a whole rotation: what we have read is
/// of before, of after, or of both.
bool overtaken(TrackedKey const* known, Reading const& reading) {
  if (known == nullptr || !reading.known) return false;
  storage::StoredKey const& before = *reading.known;
  storage::StoredKey const& now = known->stored;
  return now.last_seen != before.last_seen || now.key != before.key || now.versions != before.versions;
}

/// The replacement of ours that has had a key made which nobody has seen before: it died before it could
/// tell, or is about to.
Result<std::optional<Rotation>> made_for(storage::Store& store, providers::KeyDescription const& made) {
  if (made.versions.empty() || !made.versions.front().operation) return std::nullopt;
  Result<std::optional<Rotation>> replacement = store.rotation(*made.versions.front().operation);
  if (!replacement || !*replacement) return replacement;
  std::optional<WantedKey> const& wanted = (*replacement)->wanted;
  KeyRef const& ref = made.key.ref;
  bool const there = wanted && wanted->provider == ref.provider && wanted->vault == ref.vault;
  if (!there) replacement->reset();
  return replacement;
}

/// Its rotation is blocked before the new version was compared with what the key was at the claim.
bool compared_later(TrackedKey const* key) {
  return key != nullptr && key->rotation && key->rotation->step <= Step::rotate;
}

Observation compared_with(TrackedKey const* known, bool restored, Reading& reading,
                          std::vector<Registration> const& registered, Instant now) {
  if (restored) {
    return reconcile(*known, *std::move(reading.description), registered, reading.registrations, now);
  }
  if (compared_later(known)) return observe_versions(*known, *reading.description, now);
  return observe(known, *std::move(reading.description), registered, reading.registrations, now);
}

asio::awaitable<void> read_one(providers::KmsProvider& kms, providers::Clock& clock, Reading& reading) {
  auto const deadline = clock.mono_now() + read_patience;
  reading.description = co_await kms.describe(reading.key, deadline);
  if (!reading.description || !kms.capabilities(reading.key).tells_registrations) co_return;
  Result<std::vector<Registration>> registrations = co_await kms.registrations(reading.key, deadline);
  if (registrations) reading.registrations = std::move(*registrations);
}

}  // namespace

Inventory::Inventory(World& world, Fleet& fleet, Rotator& rotator, StopFlag const& stop,
                     ProviderName provider, std::chrono::seconds every, Listeners listeners)
    : world_(world),
      fleet_(fleet),
      rotator_(rotator),
      stop_(stop),
      provider_(std::move(provider)),
      every_(every),
      listeners_(std::move(listeners)) {}

asio::awaitable<void> Inventory::run() {
  while (!stop_.requested) {
    bool const listed = co_await look();
    bool const complete = listed && unread_ == 0;
    failures_ = complete ? 0 : failures_ + 1;
    std::chrono::seconds pause = every_;
    if (!complete) pause = std::min(every_, backoff(failures_, Error{.error_class = ErrorClass::transient}));
    if (believe_from_) {
      auto const rest = *believe_from_ - world_.clock.wall_now();
      pause = std::clamp<std::chrono::seconds>(rest, std::chrono::seconds(1), pause);
    }
    auto const next = world_.clock.mono_now() + pause;
    co_await world_.clock.sleep_until(next);
  }
}

asio::awaitable<bool> Inventory::look() {
  ProviderInstance& instance = *world_.provider(provider_);
  bool complete = true;
  std::size_t keys = 0;
  unread_ = 0;
  unlisted_.clear();
  believe_from_.reset();
  for (VaultName const& vault : instance.kms->vaults()) {
    Result<std::set<KeyRef>> listed = co_await look_at_vault(vault);
    if (listed) {
      keys += listed->size();
      Result<void> const recorded = record_gone(vault, *listed);
      if (!recorded) remember_error(recorded.error());
      complete = complete && recorded.has_value();
    } else {
      remember_error(listed.error());
      complete = false;
    }
    if (stop_.requested) co_return false;
  }
  if (complete) {
    instance.health.reachable = true;
    instance.health.last_error = unlisted_;
    instance.health.last_inventory = world_.clock.wall_now();
    instance.health.keys = keys;
  }
  listeners_.changed();
  listeners_.looked();
  co_return complete;
}

asio::awaitable<Result<std::set<KeyRef>>> Inventory::look_at_vault(VaultName vault) {
  providers::KmsProvider& kms = *world_.provider(provider_)->kms;
  std::set<KeyRef> seen;
  std::vector<RootKey> to_read;
  std::string cursor;
  co_await look_at_registrations(vault);
  do {
    auto const deadline = world_.clock.mono_now() + page_patience;
    Result<providers::KeyListing> page = co_await kms.list_keys(vault, cursor, deadline);
    if (!page) co_return std::unexpected(page.error());
    cursor = page->next;
    for (Error const& defect : page->defects) note_unlisted(defect);
    for (RootKey& key : page->keys) {
      bool const first = seen.insert(key.ref).second;
      if (first && worth_reading(key)) to_read.push_back(std::move(key));
    }
    if (to_read.size() >= keys_a_commit || cursor.empty()) {
      Result<void> const read = co_await read_changed(std::exchange(to_read, std::vector<RootKey>()));
      if (!read) co_return std::unexpected(read.error());
    }
  } while (!cursor.empty() && !stop_.requested);
  co_return seen;
}

/// Whose registrations are not as on record: a key's own listing shows nothing of that. One list of all
/// costs a call where reading each key would cost thousands.
asio::awaitable<void> Inventory::look_at_registrations(VaultName vault) {
  reregistered_.clear();
  ProviderInstance& instance = *world_.provider(provider_);
  bool const told = instance.kms->capabilities({provider_, vault, {}}).tells_registrations;
  if (!told) co_return;
  auto const deadline = world_.clock.mono_now() + read_patience;
  auto const now = co_await instance.kms->vault_registrations(vault, deadline);
  auto const known = world_.store.registrations_under("");
  if (!now || !known) {
    unlisted_ = to_text(now ? known.error() : now.error());
    co_return;
  }
  reregistered_ = keys_registered_otherwise(*known, *now, provider_, vault);
}

bool Inventory::worth_reading(RootKey const& listed) {
  TrackedKey const* known = fleet_.find(listed.ref);
  auto const believe_from = fleet_.believe_from(listed.ref);
  if (believe_from && world_.clock.wall_now() < *believe_from) {
    believe_from_ = std::max(believe_from_.value_or(*believe_from), *believe_from);
    return false;
  }
  if (known == nullptr || fleet_.awaits_reading(*known)) return true;
  if (in_hand(known)) return false;
  if (reregistered_.contains(listed.ref)) return true;
  return shows_news(listed, *known, fleet_.verdict(*known), world_.clock.wall_now());
}

asio::awaitable<Result<void>> Inventory::read_changed(std::vector<RootKey> listed) {
  providers::KmsProvider& kms = *world_.provider(provider_)->kms;
  std::vector<Reading> readings(listed.size());
  for (std::size_t i = 0; i < listed.size(); ++i) {
    readings[i].key = listed[i].ref;
    readings[i].listed = std::move(listed[i]);
    TrackedKey const* const known = fleet_.find(readings[i].key);
    if (known != nullptr) readings[i].known = known->stored;
  }
  IndexedTask const read = [&](std::size_t i) { return read_one(kms, world_.clock, readings[i]); };
  co_await gather(readings.size(), readings_at_once, read);

  Instant const now = world_.clock.wall_now();
  storage::Change change;
  std::vector<Observation> seen;
  for (Reading& reading : readings) {
    TrackedKey const* known = fleet_.find(reading.key);
    bool const restored = known != nullptr && fleet_.awaits_reading(*known);
    // Begun, or begun and ended, while we were reading.
    if ((in_hand(known) || overtaken(known, reading)) && !restored) continue;
    if (!reading.description) {
      note_unreadable(reading.listed, reading.description.error());
      continue;
    }
    auto const registered = world_.store.registrations(reading.key);
    if (!registered) co_return std::unexpected(registered.error());
    auto const maker = known == nullptr ? made_for(world_.store, *reading.description) : std::nullopt;
    if (!maker) co_return std::unexpected(maker.error());
    // Its replacement is under way and tells of it, with its evidence.
    if (*maker && in_hand(fleet_.find((*maker)->key)) && !(*maker)->ended) continue;
    Observation observation = compared_with(known, restored, reading, *registered, now);
    if (*maker) tell_as_made_for(**maker, observation.change);
    // A rotation that is blocked already moves them when a person lets it go on.
    if (known != nullptr && !known->rotation) {
      if (Result<void> const missed = find_missed_drift(*known, observation); !missed)
        co_return std::unexpected(missed.error());
    }
    if (observation.drift_from && !known->rotation) {
      observation.rotation =
          rotator_.follower(observation.stored, *observation.drift_from, observation.drift_made_by);
      if (observation.rotation) Journal::add_opening(*observation.rotation, observation.change);
    }
    storage::append(change, std::move(observation.change));
    seen.push_back(std::move(observation));
  }
  if (Result<void> const written = world_.store.commit(change); !written) {
    co_return std::unexpected(written.error());
  }
  for (Observation& observation : seen) {
    KeyRef const ref = observation.stored.key.ref;
    if (observation.rotation) fleet_.find(ref)->rotation = std::move(observation.rotation);
    fleet_.put(std::move(observation.stored));
  }
  listeners_.changed();
  co_return Result<void>();
}

/// A key that is listed but cannot be read is shown as unknown; it alone fails.
void Inventory::note_unreadable(RootKey const& listed, Error const& error) {
  spdlog::warn("cannot read key {}: {}", listed.ref.text(), to_text(error));
  ++unread_;
  TrackedKey* known = fleet_.find(listed.ref);
  if (known == nullptr) {
    storage::StoredKey stored;
    stored.key = listed;
    stored.first_seen = world_.clock.wall_now();
    stored.admitted = false;
    known = &fleet_.put(std::move(stored));
  }
  known->read_error = to_text(error);
  fleet_.look_anew(*known);
}

/// An entry of a listing that makes no sense: it names no key that could be shown, so the provider's line
/// tells it.
void Inventory::note_unlisted(Error const& defect) {
  spdlog::warn("provider {}: {}", provider_.str(), to_text(defect));
  unlisted_ = to_text(defect);
}

/// Keys of the vault that we know and that a complete listing no longer shows.
Result<void> Inventory::record_gone(VaultName const& vault, std::set<KeyRef> const& listed) {
  Instant const now = world_.clock.wall_now();
  storage::Change change;
  for (auto const& [ref, key] : fleet_.keys()) {
    bool const ours = ref.provider == provider_ && ref.vault == vault;
    bool const with_its_rotation = in_hand(&key) && !fleet_.awaits_reading(key);
    if (!ours || key.stored.gone || listed.contains(ref) || with_its_rotation) continue;
    storage::StoredKey stored = key.stored;
    stored.gone = true;
    change.keys.push_back(std::move(stored));
    HistoryEvent event;
    event.at = now;
    event.kind = EventKind::key_gone;
    event.outcome = EventOutcome::held;
    event.key = ref;
    event.actor = "provider";
    event.sentence = "the provider no longer lists this key";
    change.events.push_back(std::move(event));
  }
  if (change.keys.empty()) return {};
  if (auto written = world_.store.commit(change); !written) return written;
  for (storage::StoredKey& stored : change.keys) fleet_.put(std::move(stored));
  return {};
}

/// A key that could not be used can be again. What someone else made of it meanwhile was told of when it was
/// seen, and could not be followed then.
Result<void> Inventory::find_missed_drift(TrackedKey const& known, Observation& observation) {
  RootKey const& now = observation.stored.key;
  bool const usable_again =
      now.state == KeyState::active && (known.stored.gone || known.stored.key.state != KeyState::active);
  if (!usable_again || observation.drift_from || !now.current) return {};
  auto const last = world_.store.rotations(now.ref, 1);
  if (!last) return std::unexpected(last.error());
  if (!last->empty() && last->front().new_version == now.current) return {};
  auto const versions = world_.store.versions(now.ref);
  if (!versions) return std::unexpected(versions.error());
  auto const current = std::ranges::find_if(
      *versions, [&](storage::StoredVersion const& each) { return each.version.id == now.current; });
  bool const theirs = current != versions->end() && current != versions->begin() &&
                      (current->made_by == MadeBy::other || current->made_by == MadeBy::provider);
  if (!theirs) return {};
  observation.drift_from = std::prev(current)->version.id;
  observation.drift_made_by = current->made_by;
  return {};
}

void Inventory::remember_error(Error const& error) {
  ProviderHealth& health = world_.provider(provider_)->health;
  std::string const text = to_text(error);
  if (health.last_error != text) spdlog::warn("provider {}: {}", provider_.str(), text);
  health.reachable = false;
  health.last_error = text;
}

}  // namespace rekeyd::daemon
