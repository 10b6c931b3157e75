#include "daemon/rotation_steps.hpp"

#include "daemon/journal.hpp"
#include "daemon/observation.hpp"
#include "daemon/rotate_requests.hpp"
#include "daemon/step_outcomes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rekeyd::daemon {

namespace asio = boost::asio;
using providers::KeyDescription;

namespace {

constexpr auto call_patience = std::chrono::minutes(2);
constexpr auto soon = std::chrono::seconds(10);

Error unfit(KeyRef const& key, std::vector<std::string> const& defects) {
  Error error;
  error.error_class = ErrorClass::permanent;
  error.what =
      "the new key version lacks what the old one had: " + fmt::format("{}", fmt::join(defects, "; "));
  error.where = key.text();
  error.remedy =
      "nothing depends on it yet; mend the version at the provider, then `rekeyctl retry` the rotation";
  return error;
}

std::vector<VersionId> ids_of(std::vector<KeyVersion> const& versions) {
  std::vector<VersionId> ids;
  for (KeyVersion const& version : versions) ids.push_back(version.id);
  return ids;
}

/// A reading of the key as facts, told as this rotation's. It is not a reading in full (registrations are the
/// inventory's), so the last one of those keeps its date.
storage::Change facts_of(Rotation const& rotation, TrackedKey const& key, Observation observation) {
  for (storage::StoredKey& stored : observation.change.keys) {
    bool const ever_read = key.stored.last_seen != Instant{};
    if (ever_read) stored.last_seen = key.stored.last_seen;
  }
  for (HistoryEvent& event : observation.change.events) {
    event.rotation = rotation.id;
    event.policy = rotation.policy;
  }
  return std::move(observation.change);
}

/// What a new version has to carry on. An expiry that it has not got, and that the policy wants it to have,
/// it gets after the rotation.
RootKey to_carry_on(TrackedKey const& key, KeyDescription const& now, providers::Capabilities const& can) {
  RootKey before = key.stored.key;
  auto const* applied = std::get_if<AppliedPolicy>(&key.match);
  bool const set_later =
      applied != nullptr && applied->policy->upkeep.versions_expire_after && can.versions_expire;
  if (set_later && !now.key.expires) before.expires.reset();
  return before;
}

/// The new version, as the rotation that made or adopted it tells of it.
HistoryEvent version_event(Rotation const& rotation, KeyVersion const& version, MadeBy made_by,
                           providers::Evidence const& evidence, Instant at) {
  HistoryEvent event = event_of(rotation, EventKind::version_found,
                                made_by == MadeBy::rekeyd ? "new key version made by this rotation"
                                                          : "new key version made by someone else, adopted",
                                at);
  event.version = version.id;
  event.details["made_by"] = to_text(made_by);
  event.details["created"] = to_rfc3339(version.created);
  add_evidence(event, evidence);
  return event;
}

/// Some providers rotate a key on request only once it has a rotation policy. Where the configuration lets us
/// put a neutral one there, the history says so before it is done, and again with the provider's answer.
void tell_of_neutral_policy(Rotation const& rotation, providers::Evidence const& evidence, Instant at,
                            storage::Change& facts) {
  auto const note = evidence.notes.find("neutral_rotation_policy");
  if (note == evidence.notes.end()) return;
  bool const done = note->second == "set";
  HistoryEvent event =
      event_of(rotation, EventKind::rotation_policy_set,
               done ? "a neutral rotation policy was put on the key"
                    : "the provider wants a rotation policy on the key before it rotates it on "
                      "request; a neutral one will be put there",
               at);
  event.outcome = done ? EventOutcome::ok : EventOutcome::held;
  add_evidence(event, evidence);
  facts.events.push_back(std::move(event));
}

}  // namespace

std::optional<Error> lagging(KeyDescription const& now, TrackedKey const& key,
                             std::optional<VersionId> const& seen) {
  if (!seen || std::ranges::find(now.versions, *seen, &KeyVersion::id) != now.versions.end())
    return std::nullopt;
  auto const& known = key.stored.versions;
  auto const of = std::ranges::find(known, *seen, &KeyVersion::id);
  bool const newer = of != known.end() && !now.versions.empty() && now.versions.back().created > of->created;
  if (newer) return std::nullopt;
  Error error;
  error.error_class = ErrorClass::transient;
  error.what = fmt::format("the provider does not show version {}, which it has shown before", seen->str());
  error.where = now.key.ref.text();
  return error;
}

StepResult ended(Rotation rotation, StepOutcome outcome) {
  return {std::move(rotation), std::move(outcome), {}, std::nullopt};
}

QuiesceRules quiesce_rules_of(TrackedKey const& key) {
  auto const* applied = std::get_if<AppliedPolicy>(&key.match);
  return applied == nullptr ? QuiesceRules{} : applied->policy->confidential_vms;
}

storage::Change facts_of(Rotation const& rotation, TrackedKey const& key, KeyDescription description,
                         Instant at) {
  return facts_of(rotation, key, observe(&key, std::move(description), {}, std::nullopt, at));
}

asio::awaitable<StepResult> RotationSteps::run(Rotation rotation, TrackedKey const& key, Record record) {
  // Machines that stand still come first, whatever the configuration says of their key by now.
  bool const needs_provider = !holds_machines(rotation.step);
  bool const to_be_made = rotation.wanted && !rotation.successor;
  ProviderName const& targets = to_be_made ? rotation.wanted->provider : target_key(rotation).provider;
  bool const known = world_.provider(rotation.key.provider) != nullptr;
  if (needs_provider && (!known || world_.provider(targets) == nullptr)) {
    Error error;
    error.what = "the configuration no longer names provider instance " +
                 (known ? targets : rotation.key.provider).str();
    error.remedy = "configure it again and `rekeyctl retry`, or `rekeyctl abandon` the rotation";
    StepOutcome blocked = StepBlocked{"provider_removed", std::move(error)};
    co_return ended(std::move(rotation), std::move(blocked));
  }
  switch (rotation.step) {
    case Step::claim:
      co_return co_await claim(std::move(rotation), key);
    case Step::preflight:
      co_return co_await preflight(std::move(rotation), key);
    case Step::rotate:
      co_return co_await rotate(std::move(rotation), key, std::move(record));
    case Step::propagate:
      co_return co_await propagate(std::move(rotation), key);
    case Step::quiesce:
      co_return co_await quiesce(std::move(rotation), quiesce_rules_of(key));
    case Step::change:
      co_return co_await change(std::move(rotation), quiesce_rules_of(key));
    case Step::resume:
      co_return co_await resume(std::move(rotation), quiesce_rules_of(key));
    case Step::verify:
      co_return co_await verify(std::move(rotation), key);
  }
  std::unreachable();
}

asio::awaitable<Result<KeyDescription>> RotationSteps::read(KeyRef key) {
  auto const deadline = world_.clock.mono_now() + call_patience;
  providers::KmsProvider& kms = *world_.provider(key.provider)->kms;
  Result<KeyDescription> described = co_await kms.describe(std::move(key), deadline);
  co_return described;
}

/// The base is what the provider shows now, not what we remember: if someone rotated since we looked, the
/// cadence has been reset, and all that there is to do is to take the dependants along. What was read goes on
/// record: by what we remembered the key would be due again at once.
asio::awaitable<StepResult> RotationSteps::claim(Rotation rotation, TrackedKey const& key) {
  Result<KeyDescription> const now = co_await read(rotation.key);
  if (!now) co_return ended(std::move(rotation), outcome_of(now.error()));
  if (auto const late = lagging(*now, key, key.stored.key.current)) {
    co_return ended(std::move(rotation), StepAgain{*late});
  }
  Instant const at = world_.clock.wall_now();
  if (rotation.base_version && now->key.current != rotation.base_version &&
      rotation.trigger == Trigger::cryptoperiod) {
    StepAbandoned const moot{
        "the key was rotated by someone else since it was last read; its cadence starts anew"};
    StepResult result = ended(std::move(rotation), moot);
    Observation seen = observe(&key, *now, {}, std::nullopt, at);
    result.drift_from = seen.drift_from;
    result.drift_made_by = seen.drift_made_by;
    result.facts = facts_of(result.rotation, key, std::move(seen));
    co_return result;
  }
  rotation.base_version = now->key.current;
  rotation.known_versions = ids_of(now->versions);
  StepResult done = ended(std::move(rotation), StepDone{});
  done.facts = facts_of(done.rotation, key, *now, at);
  co_return done;
}

asio::awaitable<StepResult> RotationSteps::preflight(Rotation rotation, TrackedKey const& key) {
  if (auto unknown = mover_.unknown_resources(rotation.key)) {
    co_return ended(std::move(rotation), *std::move(unknown));
  }
  if (is_replacement(rotation)) {
    StepResult result = co_await preflight_replacement(std::move(rotation), key);
    co_return result;
  }
  // Known only once the first survey is in: until then the key may have looked as if it could be rotated.
  if (auto why = used_by_disk_encryption(std::get_if<AppliedPolicy>(&key.match), key.never_follow)) {
    co_return ended(std::move(rotation), StepAbandoned{*std::move(why)});
  }
  std::optional<StepOutcome> hindered = co_await rest_hindered(rotation.key, quiesce_rules_of(key));
  if (hindered) co_return ended(std::move(rotation), *std::move(hindered));
  // A new version whose DEKs could not follow it would help nobody. First, because the provider's preflight
  // may already change something there.
  for (auto const& store : world_.dek_stores) {
    Result<void> const replaceable = co_await store->rehearse(rotation.key);
    if (!replaceable) co_return ended(std::move(rotation), outcome_of(replaceable.error()));
  }
  Result<void> const supplied = co_await material_.look(rotation, key);
  if (!supplied) co_return ended(std::move(rotation), outcome_of(supplied.error()));
  auto const deadline = world_.clock.mono_now() + call_patience;
  providers::KmsProvider& kms = *world_.provider(rotation.key.provider)->kms;
  RootKey root = key.stored.key;
  if (material_.needs_material(key)) root.origin = Origin::imported;
  Result<providers::Evidence> const fit = co_await kms.preflight_rotate(std::move(root), deadline);
  if (!fit) co_return ended(std::move(rotation), outcome_of(fit.error()));
  StepResult done = ended(std::move(rotation), StepDone{});
  tell_of_neutral_policy(done.rotation, *fit, world_.clock.wall_now(), done.facts);
  co_return done;
}

asio::awaitable<StepResult> RotationSteps::rotate(Rotation rotation, TrackedKey const& key, Record record) {
  if (is_replacement(rotation)) {
    StepResult result = co_await take_successor(std::move(rotation), key, std::move(record));
    co_return result;
  }
  Result<KeyDescription> const now = co_await read(rotation.key);
  if (!now) co_return ended(std::move(rotation), outcome_of(now.error()));
  auto const lag = world_.provider(rotation.key.provider)->kms->capabilities(rotation.key).visibility_lag;
  RotateDecision const decision = decide(world_, rotation, now->versions, lag);
  if (auto const* adopted = std::get_if<AdoptVersion>(&decision)) {
    StepResult result =
        co_await adopt(std::move(rotation), key, adopted->version, adopted->made_by, providers::Evidence());
    co_return result;
  }
  if (auto const* later = std::get_if<LookAgain>(&decision)) {
    StepWait wait{later->at, "a rotate request may still be taking effect; it is not repeated before this"};
    co_return ended(std::move(rotation), std::move(wait));
  }
  StepResult sent = co_await send_rotate(std::move(rotation), key, std::move(record));
  co_return sent;
}

/// Sends the one request that makes a new version. What is unknown afterwards is settled by reading the
/// versions, here or in the next try, never by sending again.
asio::awaitable<StepResult> RotationSteps::send_rotate(Rotation rotation, TrackedKey const& key,
                                                       Record record) {
  providers::KmsProvider& kms = *world_.provider(rotation.key.provider)->kms;
  Rotation const before = rotation;
  Result<DrawnMaterial> drawn = co_await material_.draw(rotation, key);
  if (!drawn) co_return ended(std::move(rotation), outcome_of(drawn.error()));
  rotation = sending(world_, std::move(rotation));
  Result<void> const durable = co_await record(rotation, std::move(drawn->event));
  if (!durable) {
    Error const& not_durable = durable.error();
    co_return ended(before, StepAgain{not_durable});
  }
  providers::RotateOrder order{rotation.id, key.stored.key, std::move(drawn->material)};
  auto const deadline = world_.clock.mono_now() + call_patience;
  Result<providers::RotateReceipt> const receipt = co_await kms.rotate(std::move(order), deadline);
  if (receipt && receipt->version) {
    StepResult adopted =
        co_await adopt(std::move(rotation), key, *receipt->version, MadeBy::rekeyd, receipt->evidence);
    co_return adopted;
  }
  if (!receipt && receipt.error().delivery != Delivery::maybe_applied) {
    rotation.sent = before.sent;
  }
  bool const nothing_to_find = !receipt && receipt.error().error_class != ErrorClass::conflict &&
                               receipt.error().delivery != Delivery::maybe_applied;
  if (nothing_to_find) co_return ended(std::move(rotation), outcome_of(receipt.error()));

  // Done without naming the version, refused because one was just made, or unknown: the versions tell.
  Result<KeyDescription> const after = co_await read(rotation.key);
  providers::Evidence const evidence = receipt ? receipt->evidence : providers::Evidence();
  if (after) {
    RotateDecision const decision = decide(world_, rotation, after->versions, std::chrono::seconds(0));
    if (auto const* found = std::get_if<AdoptVersion>(&decision)) {
      StepResult adopted = co_await adopt(std::move(rotation), key, found->version, found->made_by, evidence);
      co_return adopted;
    }
  }
  if (!receipt) co_return ended(std::move(rotation), StepAgain{receipt.error()});
  StepWait wait{world_.clock.wall_now() + soon,
                "the provider confirmed the rotation but does not show it yet"};
  co_return ended(std::move(rotation), std::move(wait));
}

/// The new version is the provider's truth. Before anything may depend on it, what it inherited is compared
/// with what the key had when it was claimed.
asio::awaitable<StepResult> RotationSteps::adopt(Rotation rotation, TrackedKey const& key, KeyVersion version,
                                                 MadeBy made_by, providers::Evidence evidence) {
  Result<KeyDescription> const now = co_await read(rotation.key);
  if (!now) co_return ended(std::move(rotation), outcome_of(now.error()));
  if (now->key.current != version.id &&
      std::ranges::find(now->versions, version.id, &KeyVersion::id) == now->versions.end()) {
    StepWait wait{world_.clock.wall_now() + soon,
                  "the provider does not show the new version everywhere yet"};
    co_return ended(std::move(rotation), std::move(wait));
  }
  providers::KmsProvider& kms = *world_.provider(rotation.key.provider)->kms;
  RootKey const before = to_carry_on(key, *now, kms.capabilities(rotation.key));
  std::vector<std::string> const defects = kms.inheritance_defects(before, now->key);
  Instant const at = world_.clock.wall_now();
  rotation.new_version = now->key.current.value_or(version.id);
  bool const still_current = rotation.new_version == version.id;
  rotation.new_version_made_by = still_current ? made_by : MadeBy::other;

  StepResult result = ended(rotation, StepDone{});
  KnownMaker const maker{version.id, made_by, rotation.id};
  bool const fit = defects.empty();
  Observation seen =
      fit ? observe(&key, *now, {}, std::nullopt, at, maker) : observe_versions(key, *now, at, maker);
  result.facts = facts_of(rotation, key, std::move(seen));
  if (std::ranges::find(key.stored.versions, version.id, &KeyVersion::id) == key.stored.versions.end()) {
    result.facts.events.push_back(version_event(rotation, version, made_by, evidence, at));
  }
  tell_of_neutral_policy(result.rotation, evidence, at, result.facts);
  if (!fit) result.outcome = StepBlocked{"new_version_unfit", unfit(rotation.key, defects)};
  co_return result;
}

}  // namespace rekeyd::daemon
