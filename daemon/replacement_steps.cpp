// The steps of a rotation in which another key takes the key's place. No version is made: what depends on the
// key moves to the successor's current version, across providers if need be.
#include "daemon/journal.hpp"
#include "daemon/observation.hpp"
#include "daemon/rotate_requests.hpp"
#include "daemon/rotation_steps.hpp"
#include "daemon/step_outcomes.hpp"
#include "policy/named_resources.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

namespace rekeyd::daemon {

namespace asio = boost::asio;
using providers::KeyDescription;

namespace {

constexpr auto call_patience = std::chrono::minutes(2);
constexpr auto soon = std::chrono::seconds(10);

providers::CreateOrder order_for(Rotation const& rotation, TrackedKey const& key) {
  return {rotation.id, rotation.wanted->vault, rotation.wanted->name, key.stored.key};
}

/// Where it is, or will be; of one that is yet to be made the id is not known.
KeyRef place_of_successor(Rotation const& rotation) {
  if (rotation.successor) return *rotation.successor;
  return {rotation.wanted->provider, rotation.wanted->vault, KeyId(rotation.wanted->name)};
}

/// What keeps a key from taking another's place, as a clause; empty: nothing that its provider tells.
std::string why_unfit(KeyDescription const& successor, RootKey const& replaced, Instant now) {
  RootKey const& key = successor.key;
  if (key.state != KeyState::active) return fmt::format("it is {}", to_text(key.state));
  if (key.managed_elsewhere) return "it belongs to a certificate";
  auto const current = std::ranges::find_if(
      successor.versions, [&](KeyVersion const& version) { return version.id == key.current; });
  if (current == successor.versions.end()) return "its provider does not show its current version";
  if (!current->enabled) return "its current version is disabled";
  if (current->expires && *current->expires <= now) return "its current version has expired";
  bool const wraps = key.type.algorithm == KeyAlgorithm::rsa || key.type.algorithm == KeyAlgorithm::aes;
  if (!wraps) return fmt::format("an {} key cannot wrap keys", to_text(key.type.algorithm));
  bool const weaker =
      replaced.type.protection == Protection::hsm && key.type.protection == Protection::software;
  if (weaker) return "it is kept in software, and the key that it is to replace in an HSM";
  return {};
}

StepBlocked unfit_successor(KeyRef const& successor, std::string const& why) {
  Error error;
  error.error_class = ErrorClass::permanent;
  error.what = "the key cannot take the other's place: " + why;
  error.where = successor.text();
  error.remedy =
      "mend the successor and `rekeyctl retry`, or `rekeyctl abandon` the replacement and name another key; "
      "what has moved already stays where it is and works";
  return {"successor_unfit", std::move(error)};
}

StepBlocked cannot_use(std::vector<ResourceId> const& strangers, std::string const& successor) {
  Error error;
  error.error_class = ErrorClass::permanent;
  error.what = "these resources cannot use a key of that vault: " + named(strangers);
  error.where = successor;
  error.remedy = "nothing has moved: `rekeyctl abandon`, and name a key that they can use";
  return {"successor_unfit", std::move(error)};
}

StepBlocked cannot_follow(KeyRef const& key, std::vector<ResourceId> const& left) {
  Error error;
  error.error_class = ErrorClass::permanent;
  error.what = "everything else has moved to the successor; rekeyd cannot move " + named(left);
  error.where = key.text();
  error.remedy =
      "set them up with the successor at their own service; then `rekeyctl retry`: the key is not replaced "
      "before";
  return {"resources_cannot_follow", std::move(error)};
}

}  // namespace

asio::awaitable<std::expected<KeyDescription, StepOutcome>> RotationSteps::fit_successor(KeyRef successor,
                                                                                         RootKey const& key) {
  Result<KeyDescription> now = co_await read(successor);
  if (!now) co_return std::unexpected(outcome_of(now.error()));
  std::string const why = why_unfit(*now, key, world_.clock.wall_now());
  if (!why.empty()) {
    StepOutcome unfit = unfit_successor(successor, why);
    co_return std::unexpected(std::move(unfit));
  }
  co_return *std::move(now);
}

asio::awaitable<StepResult> RotationSteps::preflight_replacement(Rotation rotation, TrackedKey const& key) {
  if (rotation.successor) {
    auto const fit = co_await fit_successor(*rotation.successor, key.stored.key);
    if (!fit) co_return ended(std::move(rotation), fit.error());
  } else {
    auto const deadline = world_.clock.mono_now() + call_patience;
    providers::KmsProvider& kms = *world_.provider(rotation.wanted->provider)->kms;
    auto const possible = co_await kms.find_created(order_for(rotation, key), deadline);
    if (!possible) co_return ended(std::move(rotation), outcome_of(possible.error()));
  }
  KeyRef const there = place_of_successor(rotation);
  Result<std::vector<ResourceId>> const strangers = mover_.strangers_to(there, rotation.key);
  if (!strangers) co_return ended(std::move(rotation), outcome_of(strangers.error()));
  if (!strangers->empty()) {
    StepBlocked blocked = cannot_use(*strangers, there.text());
    co_return ended(std::move(rotation), std::move(blocked));
  }
  std::optional<StepOutcome> hindered = co_await rest_hindered(rotation.key, quiesce_rules_of(key));
  if (hindered) co_return ended(std::move(rotation), *std::move(hindered));
  for (auto const& store : world_.dek_stores) {
    Result<void> const replaceable = co_await store->rehearse(rotation.key);
    if (!replaceable) co_return ended(std::move(rotation), outcome_of(replaceable.error()));
  }
  co_return ended(std::move(rotation), StepDone{});
}

asio::awaitable<StepResult> RotationSteps::take_successor(Rotation rotation, TrackedKey const& key,
                                                          Record record) {
  StepResult result = ended(std::move(rotation), StepDone{});
  if (!result.rotation.successor) {
    result = co_await make_successor(std::move(result.rotation), key, std::move(record));
    if (!result.rotation.successor) co_return result;
  }
  auto const fit = co_await fit_successor(*result.rotation.successor, key.stored.key);
  if (!fit) {
    result.outcome = fit.error();
    co_return result;
  }
  result.rotation.new_version = fit->key.current;
  result.rotation.new_version_made_by = result.rotation.wanted ? MadeBy::rekeyd : MadeBy::unknown;
  result.outcome = StepDone{};
  co_return result;
}

/// One request makes it. What is unknown afterwards is settled by looking for the key that carries our id.
asio::awaitable<StepResult> RotationSteps::make_successor(Rotation rotation, TrackedKey const& key,
                                                          Record record) {
  providers::KmsProvider& kms = *world_.provider(rotation.wanted->provider)->kms;
  providers::CreateOrder order = order_for(rotation, key);
  auto const deadline = world_.clock.mono_now() + call_patience;
  auto const found = co_await kms.find_created(order, deadline);
  if (!found) co_return ended(std::move(rotation), outcome_of(found.error()));
  if (*found) {
    StepResult adopted = co_await adopt_successor(std::move(rotation), **found, providers::Evidence());
    co_return adopted;
  }
  auto const lag = kms.capabilities(place_of_successor(rotation)).visibility_lag;
  RotateDecision const decision = decide(world_, rotation, {}, lag);
  if (auto const* later = std::get_if<LookAgain>(&decision)) {
    StepWait wait{later->at, "a request that makes the successor may still take effect"};
    co_return ended(std::move(rotation), std::move(wait));
  }
  StepResult sent = co_await send_create(std::move(rotation), std::move(order), std::move(record));
  co_return sent;
}

asio::awaitable<StepResult> RotationSteps::send_create(Rotation rotation, providers::CreateOrder order,
                                                       Record record) {
  Rotation const before = rotation;
  rotation = sending(world_, std::move(rotation));
  Result<void> const durable = co_await record(rotation, std::nullopt);
  if (!durable) {
    Error const& not_durable = durable.error();
    co_return ended(before, StepAgain{not_durable});
  }
  auto const deadline = world_.clock.mono_now() + call_patience;
  providers::KmsProvider& kms = *world_.provider(rotation.wanted->provider)->kms;
  Result<providers::CreateReceipt> const made = co_await kms.create(std::move(order), deadline);
  if (!made) {
    bool const not_there = made.error().delivery != Delivery::maybe_applied;
    if (not_there) rotation.sent = before.sent;
    StepOutcome const unknown = StepAgain{made.error()};
    co_return ended(std::move(rotation), not_there ? outcome_of(made.error()) : unknown);
  }
  StepResult adopted = co_await adopt_successor(std::move(rotation), made->key, made->evidence);
  co_return adopted;
}

/// What is read of it goes on record with it: its registrations will refer to it before an inventory finds
/// it.
asio::awaitable<StepResult> RotationSteps::adopt_successor(Rotation rotation, KeyRef made,
                                                           providers::Evidence evidence) {
  Result<KeyDescription> now = co_await read(made);
  if (!now) {
    // It was there a moment ago: not everywhere yet.
    StepOutcome outcome = outcome_of(now.error());
    if (now.error().error_class == ErrorClass::not_found) {
      outcome = StepWait{world_.clock.wall_now() + soon, "the successor does not show everywhere yet"};
    }
    co_return ended(std::move(rotation), std::move(outcome));
  }
  auto const known = world_.store.key(made);
  if (!known) co_return ended(std::move(rotation), outcome_of(known.error()));
  rotation.successor = made;
  rotation.sent.reset();
  StepResult result = ended(std::move(rotation), StepDone{});
  if (*known) co_return result;
  Instant const at = world_.clock.wall_now();
  Observation seen = observe(nullptr, *std::move(now), {}, std::nullopt, at);
  result.facts = std::move(seen.change);
  tell_as_made_for(result.rotation, result.facts);
  for (HistoryEvent& event : result.facts.events) {
    if (event.kind == EventKind::key_found) add_evidence(event, evidence);
  }
  co_return result;
}

/// The key is replaced when nothing that we know of depends on it, on whatever version.
asio::awaitable<StepResult> RotationSteps::verify_replacement(Rotation rotation, TrackedKey const& key) {
  auto const fit = co_await fit_successor(*rotation.successor, key.stored.key);
  if (!fit) co_return ended(std::move(rotation), fit.error());
  if (fit->key.current != rotation.new_version) {
    rotation.new_version = fit->key.current;
    StepBack const back{Step::propagate, "the successor was rotated meanwhile; dependants follow"};
    co_return ended(std::move(rotation), back);
  }
  // No version has an empty id: every wrapped DEK of the replaced key counts.
  Result<std::size_t> const here = co_await rewrapper_.left_behind(rotation.key, VersionId());
  if (!here) co_return ended(std::move(rotation), outcome_of(here.error()));
  Result<std::size_t> const there =
      co_await rewrapper_.left_behind(*rotation.successor, *rotation.new_version);
  if (!there) co_return ended(std::move(rotation), outcome_of(there.error()));
  if (*here + *there > 0) {
    StepBack back{Step::propagate, fmt::format("{} wrapped DEKs are not on the successor", *here + *there)};
    co_return ended(std::move(rotation), std::move(back));
  }
  std::optional<StepOutcome> behind = co_await resources_behind(rotation);
  if (behind) co_return ended(std::move(rotation), *std::move(behind));
  Result<std::vector<ResourceId>> const left = mover_.immovable(rotation.key);
  if (!left) co_return ended(std::move(rotation), outcome_of(left.error()));
  if (!left->empty()) {
    StepBlocked blocked = cannot_follow(rotation.key, *left);
    co_return ended(std::move(rotation), std::move(blocked));
  }
  Result<KeyDescription> const now = co_await read(rotation.key);
  if (!now) co_return ended(std::move(rotation), outcome_of(now.error()));
  StepResult result = replaced(std::move(rotation), key, *now);
  co_return result;
}

StepResult RotationSteps::replaced(Rotation rotation, TrackedKey const& key, KeyDescription const& now) {
  Instant const at = world_.clock.wall_now();
  StepResult result = ended(std::move(rotation), StepDone{});
  result.facts = facts_of(result.rotation, key, now, at);
  KeyRef const& successor = *result.rotation.successor;
  for (storage::StoredKey& stored : result.facts.keys) stored.replaced = Replaced{successor, at};
  HistoryEvent event =
      event_of(result.rotation, EventKind::key_replaced,
               "nothing that rekeyd knows of depends on the key any more; its place is taken", at);
  event.details["successor"] = successor.text();
  event.details["successor_version"] = result.rotation.new_version->str();
  result.facts.events.push_back(std::move(event));
  return result;
}

}  // namespace rekeyd::daemon
