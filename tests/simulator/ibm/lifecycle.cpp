#include "tests/simulator/ibm/key_states.hpp"
#include "tests/simulator/ibm/operations.hpp"
#include "tests/simulator/ibm/shapes.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace rekeyd::sim::ibm {

namespace {

// An instant in a message is always in this one format: it is the only machine-readable hint there is.
std::unexpected<Refusal> refuse_before(std::string_view action, Instant earliest) {
  return refuse_until(fmt::format("The key was updated recently: {} cannot be performed until at least {}",
                                  action, to_rfc3339(earliest)));
}

std::optional<Refusal> deletion_objection(Key const& key, Call const& call, bool force) {
  auto const prevents = std::ranges::any_of(key.registrations, &Registration::prevents_deletion);
  if (prevents) {
    return refuse(409, "PREV_KEY_DEL_ERR",
                  "The key cannot be deleted because it's protecting a cloud resource that has a retention "
                  "policy")
        .error();
  }
  if (!key.registrations.empty() && !force) {
    return Refusal{409, "PROTECTED_RESOURCE_ERR", "Key is protecting one or more cloud resources",
                   Refusal::Target{"query_param", "force"}};
  }
  if (!key.dual_auth || !key.dual_auth->enabled) return std::nullopt;
  auto const& set = key.dual_auth->set_for_deletion;
  if (set && set->by != call.caller.iam_id) return std::nullopt;
  return refuse(409, "AUTHORIZATIONS_NOT_MET", "Number of authorizations required to delete is not met")
      .error();
}

std::optional<Refusal> dual_auth_objection(Key const& key) {
  if (key.state == KeyState::destroyed) return refuse_deleted_key().error();
  if (key.dual_auth && key.dual_auth->enabled) return std::nullopt;
  return refuse(409, "NOT_DUAL_AUTH_ERR", "The key is not dual auth enabled and cannot be set for deletion")
      .error();
}

}  // namespace

Outcome disable(Instance& instance, Key& key, Call const& call) {
  if (auto const bad = objection(Action::disable, key, instance.flavour())) return std::unexpected(*bad);
  key.state = KeyState::suspended;
  key.suspended_at = call.now;
  note_lifecycle(key, call.now);
  return no_content();
}

Outcome enable(Instance& instance, Key& key, Call const& call) {
  if (auto const bad = objection(Action::enable, key, instance.flavour())) return std::unexpected(*bad);
  auto const earliest = key.suspended_at.value_or(key.created.at) + enable_pause;
  if (call.now < earliest) return refuse_before("Enable", earliest);
  key.state = KeyState::active;
  key.suspended_at.reset();
  note_lifecycle(key, call.now);
  return no_content();
}

Outcome delete_key(Instance& instance, Key& key, Call const& call) {
  auto const force = flag_param(call, "force");
  if (!force) return std::unexpected(force.error());
  if (auto const bad = objection(Action::destroy, key, instance.flavour())) return std::unexpected(*bad);
  if (auto const bad = deletion_objection(key, call, *force)) return std::unexpected(*bad);
  key.state = KeyState::destroyed;
  key.deleted = Stamp{call.caller.iam_id, call.now};
  note_lifecycle(key, call.now);
  if (!call.wants_representation(false)) return no_content();
  return single(200, key_type, key_object(instance, key, call.now));
}

Outcome restore(Instance& instance, Key& key, Call const& call) {
  if (auto const bad = objection(Action::restore, key, instance.flavour())) return std::unexpected(*bad);
  if (key.expires && *key.expires <= call.now) {
    return refuse(400, "KEY_EXPIRED_ERR",
                  "The action could not be performed on the key because the key is expired.");
  }
  if (call.now > key.deleted->at + restore_limit) {
    return refuse(400, "KEY_RESTORE_EXPIRED", "The key was deleted more than 30 days ago");
  }
  auto const earliest = key.deleted->at + restore_pause;
  if (call.now < earliest) return refuse_before("Restore", earliest);
  key.state = KeyState::active;
  key.deleted.reset();
  if (key.dual_auth) key.dual_auth->set_for_deletion.reset();
  note_lifecycle(key, call.now);
  return single(201, key_type, key_object(instance, key, call.now));
}

Outcome purge(Instance& instance, Key& key, Call const& call) {
  if (key.state != KeyState::destroyed) return refuse_state();
  auto const earliest = key.deleted->at + purge_pause;
  if (call.now < earliest) return refuse_before("Purge", earliest);
  auto object = key_object(instance, key, call.now);
  instance.purge(key);
  if (!call.wants_representation(false)) return no_content();
  return single(200, key_type, std::move(object));
}

Outcome set_for_deletion(Instance&, Key& key, Call const& call) {
  if (auto const bad = dual_auth_objection(key)) return std::unexpected(*bad);
  key.dual_auth->set_for_deletion = Stamp{call.caller.iam_id, call.now};
  return no_content();
}

Outcome unset_for_deletion(Instance&, Key& key, Call const&) {
  if (auto const bad = dual_auth_objection(key)) return std::unexpected(*bad);
  key.dual_auth->set_for_deletion.reset();
  return no_content();
}

Outcome sync(Instance& instance, Key& key, Call const& call) {
  if (auto const bad = objection(Action::sync, key, instance.flavour())) return std::unexpected(*bad);
  if (key.last_notified && call.now < *key.last_notified + sync_pause) {
    return refuse_before("Sync", *key.last_notified + sync_pause);
  }
  key.last_notified = call.now;
  for (auto& registration : key.registrations) {
    notify(registration, Notice::sync, key.newest().id, call.now, instance.random());
  }
  return no_content();
}

}  // namespace rekeyd::sim::ibm
