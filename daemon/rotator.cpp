#include "daemon/rotator.hpp"

#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace rekeyd::daemon {

namespace asio = boost::asio;

namespace {

constexpr auto pause_after_storage_trouble = std::chrono::seconds(60);

/// Gives a key back, however its coroutine ends.
class InHand {
 public:
  InHand(Fleet& fleet, TrackedKey& key) : fleet_(fleet), key_(key) {}
  InHand(InHand const&) = delete;
  InHand& operator=(InHand const&) = delete;
  ~InHand() {
    key_.running = false;
    fleet_.look_anew(key_);
  }

 private:
  Fleet& fleet_;
  TrackedKey& key_;
};

void tell_opened(Rotation const& rotation) {
  spdlog::info("rotation {} of {} opened: {}", rotation.id.str(), rotation.key.text(), rotation.reason);
}

Error no_rotation(KeyRef const& key, char const* wanted) {
  Error error;
  error.error_class = ErrorClass::conflict;
  error.what = fmt::format("key {} has no {} rotation", key.text(), wanted);
  return error;
}

}  // namespace

Rotation Rotator::begun(storage::StoredKey const& key, PolicyMatch const& match, Rotation rotation) {
  Instant const now = world_.clock.wall_now();
  rotation.id = RotationId(world_.random.uuid());
  rotation.key = key.key.ref;
  rotation.opened = now;
  rotation.updated = now;
  if (auto const* applied = std::get_if<AppliedPolicy>(&match)) {
    rotation.policy = applied->policy->name;
    if (!key.versions.empty()) rotation.due = due_at(*applied, key.key, key.versions);
  }
  return rotation;
}

Result<RotationId> Rotator::open(TrackedKey& key, std::string requested_by, std::string reason) {
  Rotation rotation;
  rotation.trigger = Trigger::request;
  rotation.requested_by = std::move(requested_by);
  rotation.reason = std::move(reason);
  rotation = begun(key.stored, key.match, std::move(rotation));
  if (auto const durable = journal_.open(rotation); !durable) return std::unexpected(durable.error());
  tell_opened(rotation);
  key.rotation = rotation;
  fleet_.look_anew(key);
  return rotation.id;
}

Result<RotationId> Rotator::open_replacement(TrackedKey& key, Successor const& successor,
                                             std::string requested_by, std::string reason) {
  Rotation rotation;
  rotation.trigger = Trigger::replacement;
  rotation.requested_by = std::move(requested_by);
  rotation.reason = std::move(reason);
  if (auto const* there = std::get_if<TrackedKey*>(&successor)) {
    rotation.successor = (*there)->stored.key.ref;
  } else {
    rotation.wanted = std::get<WantedKey>(successor);
  }
  rotation = begun(key.stored, key.match, std::move(rotation));
  if (auto const durable = journal_.open(rotation); !durable) return std::unexpected(durable.error());
  tell_opened(rotation);
  key.rotation = rotation;
  fleet_.look_anew(key);
  return rotation.id;
}

Rotation const& Rotator::propose(TrackedKey& key, std::string reason) {
  Rotation rotation;
  rotation.trigger = Trigger::cryptoperiod;
  rotation.requested_by = "policy";
  rotation.reason = std::move(reason);
  rotation.base_version = key.stored.key.current;
  key.rotation = begun(key.stored, key.match, std::move(rotation));
  return *key.rotation;
}

std::optional<Rotation> Rotator::follower(storage::StoredKey const& stored, VersionId base_version,
                                          MadeBy made_by) {
  char const* reason =
      "a key version appeared that the restored history does not know; its dependants have to follow";
  if (made_by == MadeBy::other) reason = "someone else made a new key version; its dependants have to follow";
  if (made_by == MadeBy::provider) {
    reason = "the provider has rotated the key by its own rotation policy; its dependants have to follow";
  }
  return dependants_only(stored, std::move(base_version), made_by, reason);
}

std::optional<Rotation> Rotator::straggler(storage::StoredKey const& stored, VersionId base_version) {
  auto const current = std::ranges::find_if(
      stored.versions, [&](KeyVersion const& version) { return version.id == stored.key.current; });
  bool const ours = current != stored.versions.end() && current->operation.has_value();
  return dependants_only(stored, std::move(base_version), ours ? MadeBy::rekeyd : MadeBy::unknown,
                         "a resource uses an older version of the key; it has to follow");
}

/// Where the policy lets us act: a rotation that begins when the new version is there.
std::optional<Rotation> Rotator::dependants_only(storage::StoredKey const& stored, VersionId base_version,
                                                 MadeBy made_by, std::string reason) {
  PolicyMatch const match = match_policy(fleet_.policies().policies, stored.key);
  auto const* applied = std::get_if<AppliedPolicy>(&match);
  bool const ours_to_act = applied != nullptr && applied->mode != Mode::observe &&
                           stored.key.state == KeyState::active && !stored.key.managed_elsewhere &&
                           !stored.replaced;
  if (!ours_to_act) return std::nullopt;
  Rotation rotation;
  bool const as_wanted = applied->mode == Mode::delegate && made_by == MadeBy::provider;
  rotation.trigger = as_wanted ? Trigger::delegated : Trigger::drift;
  rotation.requested_by = "rekeyd";
  rotation.reason = std::move(reason);
  rotation.step = Step::propagate;
  rotation.base_version = std::move(base_version);
  rotation.new_version = stored.key.current;
  rotation.new_version_made_by = made_by;
  return begun(stored, match, std::move(rotation));
}

asio::awaitable<void> Rotator::carry_on(KeyRef ref) {
  TrackedKey* const key = fleet_.find(ref);
  if (key == nullptr || !key->rotation) co_return;
  InHand const in_hand(fleet_, *key);
  if (stop_.requested) co_return;
  std::optional<storage::StepRecord> intended = co_await intend(*key);
  co_await step_by_step(*key, std::move(intended));
}

asio::awaitable<Result<void>> Rotator::begin(KeyRef ref) {
  TrackedKey& key = *fleet_.find(ref);
  InHand const in_hand(fleet_, key);
  Result<storage::StepRecord> const intended = co_await journal_.open_and_intend(*key.rotation);
  if (!intended) {
    key.rotation.reset();
    co_return std::unexpected(intended.error());
  }
  tell_opened(*key.rotation);
  co_await step_by_step(key, *intended);
  co_return Result<void>();
}

asio::awaitable<void> Rotator::step_by_step(TrackedKey& key, std::optional<storage::StepRecord> intended) {
  while (intended) intended = co_await one_step(key, *std::move(intended));
}

asio::awaitable<std::optional<storage::StepRecord>> Rotator::intend(TrackedKey& key) {
  Result<storage::StepRecord> const record = co_await journal_.intend(*key.rotation);
  if (record) co_return *record;
  not_recorded(key, record.error());
  co_return std::nullopt;
}

/// One try of the rotation's current step. Returns the next step's intent when that may follow at once.
asio::awaitable<std::optional<storage::StepRecord>> Rotator::one_step(TrackedKey& key,
                                                                      storage::StepRecord intended) {
  RotationSteps::Record const keep = [this](Rotation rotation, std::optional<HistoryEvent> event) {
    return journal_.keep(std::move(rotation), std::move(event));
  };
  bool const moves_resources = key.rotation->step >= Step::propagate;
  StepResult result = co_await steps_.run(*key.rotation, key, keep);
  if (moves_resources) key.moved_resources = world_.clock.mono_now();
  bool const moves_next =
      key.rotation->step == Step::rotate && std::holds_alternative<StepDone>(result.outcome);
  Result<void> const in_use = moves_next ? use_again(result.rotation) : Result<void>();
  if (!in_use) {
    not_recorded(key, in_use.error());
    co_return std::nullopt;
  }
  Rotation after = advance(std::move(result.rotation), result.outcome, world_.clock.wall_now());
  bool const at_once = after.state == RotationState::open && !after.next_try && !stop_.requested;
  std::optional<Rotation> after_it;
  if (result.drift_from) {
    after_it = follower(result.facts.keys.front(), *result.drift_from, result.drift_made_by);
  }
  // A step that was cancelled has an outcome, too.
  co_await asio::this_coro::throw_if_cancelled(false);
  Result<std::optional<storage::StepRecord>> const next =
      co_await journal_.settle(std::move(intended), after, result.outcome, result.facts, after_it, at_once);
  co_await asio::this_coro::throw_if_cancelled(true);
  if (!next) {
    not_recorded(key, next.error());
    co_return std::nullopt;
  }
  ended_(after, result.outcome);
  take_over(key, std::move(after), std::move(after_it), result.facts);
  co_return *next;
}

/// A successor that had been replaced itself and was found fit, before anything moves to it.
Result<void> Rotator::use_again(Rotation const& rotation) {
  TrackedKey const* const successor = rotation.successor ? fleet_.find(*rotation.successor) : nullptr;
  if (successor == nullptr || !successor->stored.replaced) return {};
  storage::StoredKey in_use = successor->stored;
  in_use.replaced.reset();
  HistoryEvent event = event_of(rotation, EventKind::key_changed,
                                "the key, which had been replaced, takes a place itself and is in use again",
                                world_.clock.wall_now());
  event.key = *rotation.successor;
  event.details["in_place_of"] = rotation.key.text();
  storage::Change change;
  change.keys.push_back(in_use);
  change.events.push_back(std::move(event));
  if (auto written = world_.store.commit(change); !written) return written;
  fleet_.put(std::move(in_use));
  return {};
}

void Rotator::take_over(TrackedKey& key, Rotation after, std::optional<Rotation> after_it,
                        storage::Change const& facts) {
  switch (after.state) {
    case RotationState::open:
      if (after.next_try) {
        spdlog::warn("rotation {} of {}: step {} again at {}: {}", after.id.str(), after.key.text(),
                     to_text(after.step), to_rfc3339(*after.next_try), after.message);
      }
      break;
    case RotationState::done:
      spdlog::info("rotation {} of {} done: version {}", after.id.str(), after.key.text(),
                   after.new_version ? after.new_version->str() : "");
      break;
    case RotationState::blocked:
      spdlog::error("rotation {} of {} is blocked ({}): {}", after.id.str(), after.key.text(),
                    after.blocked_reason, after.message);
      break;
    case RotationState::abandoned:
      spdlog::warn("rotation {} of {} abandoned: {}", after.id.str(), after.key.text(), after.message);
      break;
  }
  bool const unfinished = after.state == RotationState::open || after.state == RotationState::blocked;
  key.rotation = std::move(after);
  if (!unfinished) key.rotation = std::move(after_it);
  if (!unfinished && key.rotation) tell_opened(*key.rotation);
  for (storage::StoredKey const& stored : facts.keys) {
    bool const just_made = fleet_.find(stored.key.ref) == nullptr;
    if (just_made || stored.key.ref == key.stored.key.ref) fleet_.put(stored);
  }
}

/// The disk refused. What the provider did is still there to be read; we only must not act on what is not
/// on record, so the key rests a while and its step is asked again.
void Rotator::not_recorded(TrackedKey& key, Error const& error) {
  spdlog::error("cannot record the rotation of {}: {}", key.stored.key.ref.text(), to_text(error));
  Rotation resting = *key.rotation;
  resting.next_try = world_.clock.wall_now() + pause_after_storage_trouble;
  resting.message = to_text(error);
  key.rotation = std::move(resting);
}

Result<void> Rotator::retry(TrackedKey& key, std::string const& caller) {
  if (!key.rotation || key.running) {
    return std::unexpected(no_rotation(key.stored.key.ref, "blocked or waiting"));
  }
  Rotation const again = reopened(*key.rotation, world_.clock.wall_now());
  if (auto durable = journal_.decided(again, caller, "rotation to be tried again"); !durable) return durable;
  key.rotation = again;
  fleet_.look_anew(key);
  return {};
}

Result<void> Rotator::abandon(TrackedKey& key, std::string const& caller, AbandonRequest const& request) {
  if (!key.rotation || key.running) return std::unexpected(no_rotation(key.stored.key.ref, "resting"));
  Instant const now = world_.clock.wall_now();
  std::string const why = "given up by a person: " + request.reason;
  Rotation given_up = abandoned(*key.rotation, why, now);
  storage::Change facts;
  if (request.leave_stopped) {
    auto left = leave_machines(*key.rotation);
    if (!left) return std::unexpected(left.error());
    facts = *std::move(left);
    given_up = abandoned_as_it_stands(*key.rotation, why, now);
  }
  std::string const sentence = "rotation to be abandoned: " + request.reason;
  Result<void> durable = journal_.decided(given_up, caller, sentence, std::move(facts));
  if (!durable) return durable;
  bool const ended = given_up.state != RotationState::open;
  if (ended) ended_(given_up, StepAbandoned{request.reason});
  key.rotation = given_up;
  if (ended) key.rotation.reset();
  fleet_.look_anew(key);
  return {};
}

/// Whatever stands still is not ours any more.
Result<storage::Change> Rotator::leave_machines(Rotation const& rotation) {
  if (rotation.step != Step::resume) {
    Error error;
    error.error_class = ErrorClass::conflict;
    error.what = "machines are left as they are only once they have been asked to start";
    error.where = rotation.id.str();
    error.remedy = "abandon the rotation without --leave-stopped: what it stopped is started first";
    return std::unexpected(std::move(error));
  }
  auto stops = world_.store.machine_stops(rotation.id);
  if (!stops) return std::unexpected(stops.error());
  storage::Change change;
  for (storage::MachineStop& stop : *stops) {
    if (stop.ended_at) continue;
    stop.ended_at = world_.clock.wall_now();
    stop.outcome = "left_stopped";
    change.machine_stops.push_back(std::move(stop));
  }
  return change;
}

}  // namespace rekeyd::daemon
