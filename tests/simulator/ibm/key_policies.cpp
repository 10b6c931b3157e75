#include "tests/simulator/ibm/operations.hpp"
#include "tests/simulator/ibm/policy_rules.hpp"
#include "tests/simulator/ibm/shapes.hpp"
#include "tests/simulator/randomness.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace rekeyd::sim::ibm {

namespace json = boost::json;

namespace {

json::object policy_frame(Instance const& instance, std::string const& id, Stamp const& created,
                          Stamp const& updated) {
  return {{"id", id},
          {"type", policy_type},
          {"crn", instance.crn("policy", id)},
          {"createdBy", created.by},
          {"creationDate", instance.date(created.at)},
          {"updatedBy", updated.by},
          {"lastUpdateDate", instance.date(updated.at)}};
}

json::object rotation_object(Instance const& instance, KeyRotationPolicy const& policy) {
  auto object = policy_frame(instance, policy.id, policy.created, policy.updated);
  json::object rotation{{"enabled", policy.enabled}};
  if (policy.interval_month) rotation["interval_month"] = *policy.interval_month;
  object["rotation"] = std::move(rotation);
  return object;
}

json::object dual_auth_object(Instance const& instance, DualAuthDelete const& policy) {
  auto object = policy_frame(instance, policy.id, policy.created, policy.updated);
  object["dualAuthDelete"] = {{"enabled", policy.enabled}};
  return object;
}

/// ?policy=rotation or dualAuthDelete, or nothing for both.
Granted<std::string> wanted_kind(Call const& call) {
  auto kind = call.target.param("policy").value_or("");
  if (kind.empty() || kind == "rotation" || kind == "dualAuthDelete") return kind;
  return refuse_query("policy", "The query_param 'policy' must be: rotation or dualAuthDelete");
}

Answer describe(Instance const& instance, Key const& key, std::string const& kind) {
  json::array resources;
  if (kind != "dualAuthDelete" && key.rotation_policy) {
    resources.emplace_back(rotation_object(instance, *key.rotation_policy));
  }
  if (kind != "rotation" && key.dual_auth) resources.emplace_back(dual_auth_object(instance, *key.dual_auth));
  return collection(instance, policy_type, std::move(resources));
}

/// What one PUT asks for, read whole before any of it is done.
struct Wishes {
  std::optional<RotationWish> rotation;
  std::optional<bool> dual_auth;
};

std::optional<Refusal> read_wish(json::object const& resource, std::string const& kind, Wishes& wishes) {
  auto const known = strict(resource, {"type", "rotation", "dualAuthDelete"});
  if (!known) return known.error();
  for (std::string_view const name : {"rotation", "dualAuthDelete"}) {
    auto const* value = known->if_contains({name.data(), name.size()});
    if (value == nullptr) continue;
    if (!kind.empty() && kind != name) {
      return refuse(400, "BODY_QUERY_PARAM_MISMATCH_ERR",
                    "Data in body does not match data required by query parameter")
          .error();
    }
    if (!value->is_object())
      return refuse_body(fmt::format("The field '{}' must be an object", name)).error();
    if (name == "rotation") {
      auto const wish = rotation_wish(value->get_object());
      if (!wish) return wish.error();
      wishes.rotation = *wish;
    } else {
      auto const wish = dual_auth_wish(value->get_object());
      if (!wish) return wish.error();
      wishes.dual_auth = *wish;
    }
  }
  return std::nullopt;
}

Granted<Wishes> read_wishes(Call const& call, std::string const& kind) {
  auto const resources = body_resources(call.request.body);
  if (!resources) return std::unexpected(resources.error());
  Wishes wishes;
  for (auto const& resource : *resources) {
    if (auto const bad = read_wish(resource, kind, wishes)) return std::unexpected(*bad);
  }
  if (!wishes.rotation && !wishes.dual_auth) return refuse_body("The body names no policy");
  return wishes;
}

}  // namespace

Granted<std::optional<int>> interval_month(json::object const& object) {
  auto const interval = number_member(object, "interval_month");
  if (!interval) return std::unexpected(interval.error());
  if (!*interval) return std::nullopt;
  if (**interval < 1 || **interval > 12) {
    return refuse_field("interval_month", "The field 'interval_month' must be: between 1 and 12");
  }
  return static_cast<int>(**interval);
}

Granted<RotationWish> rotation_wish(json::object const& rotation) {
  auto const known = strict(rotation, {"enabled", "interval_month"});
  if (!known) return std::unexpected(known.error());
  auto const enabled = flag_member(*known, "enabled");
  if (!enabled) return std::unexpected(enabled.error());
  auto const interval = interval_month(*known);
  if (!interval) return std::unexpected(interval.error());
  if (!*enabled && !*interval) return refuse_body("The rotation policy is empty");
  return RotationWish{enabled->value_or(true), *interval};
}

Granted<bool> dual_auth_wish(json::object const& dual_auth) {
  auto const known = strict(dual_auth, {"enabled"});
  if (!known) return std::unexpected(known.error());
  auto const enabled = flag_member(*known, "enabled");
  if (!enabled) return std::unexpected(enabled.error());
  if (!*enabled) return refuse_body("The field 'enabled' is required");
  return **enabled;
}

std::optional<Refusal> set_rotation_policy(Key& key, RotationWish const& wish, Stamp const& stamp,
                                           Randomness& random) {
  if (key.extractable) return refuse_standard_key().error();
  if (key.imported) {
    return refuse_field("rotation", "The field 'rotation' must be: left out for a key with imported material")
        .error();
  }
  auto& policy = key.rotation_policy;
  auto const interval = wish.interval_month ? wish.interval_month
                        : policy            ? policy->interval_month
                                            : std::nullopt;
  if (wish.enabled && !interval) {
    return refuse_field("interval_month", "The field 'interval_month' must be: between 1 and 12").error();
  }
  if (!policy) policy = KeyRotationPolicy{random.uuid(), true, {}, stamp, stamp};
  policy->enabled = wish.enabled;
  policy->interval_month = interval;
  policy->updated = stamp;
  return std::nullopt;
}

std::optional<Refusal> set_dual_auth(Key& key, bool enabled, Stamp const& stamp, Randomness& random) {
  auto& policy = key.dual_auth;
  if (policy && policy->enabled && !enabled) {
    return refuse_field("enabled", "The field 'enabled' must be: true once dual authorization is on").error();
  }
  if (!policy) policy = DualAuthDelete{random.uuid(), enabled, stamp, stamp, {}};
  policy->enabled = enabled;
  policy->updated = stamp;
  return std::nullopt;
}

Outcome get_key_policies(Instance& instance, Key& key, Call const& call) {
  auto const kind = wanted_kind(call);
  if (!kind) return std::unexpected(kind.error());
  return describe(instance, key, *kind);
}

Outcome put_key_policies(Instance& instance, Key& key, Call const& call) {
  auto const kind = wanted_kind(call);
  if (!kind) return std::unexpected(kind.error());
  auto const wishes = read_wishes(call, *kind);
  if (!wishes) return std::unexpected(wishes.error());
  if (key.state == KeyState::destroyed) return refuse_deleted_key();
  // On a copy: of two policies in one body, both are set or none is.
  Key changed = key;
  Stamp const stamp{call.caller.iam_id, call.now};
  if (wishes->rotation) {
    if (auto const bad = set_rotation_policy(changed, *wishes->rotation, stamp, instance.random())) {
      return std::unexpected(*bad);
    }
  }
  if (wishes->dual_auth) {
    if (auto const bad = set_dual_auth(changed, *wishes->dual_auth, stamp, instance.random())) {
      return std::unexpected(*bad);
    }
  }
  changed.last_updated = call.now;
  key = std::move(changed);
  return describe(instance, key, *kind);
}

}  // namespace rekeyd::sim::ibm
