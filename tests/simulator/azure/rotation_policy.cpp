#include "tests/simulator/azure/rotation_policy.hpp"

#include "tests/simulator/azure/key.hpp"
#include "tests/simulator/message.hpp"
#include "tests/simulator/past.hpp"

#include <boost/json.hpp>

#include <charconv>

namespace rekeyd::sim::azure {

namespace json = boost::json;
using std::chrono::days;

namespace {

using ReadAction = std::expected<LifetimeAction, std::string>;

/// Least lengths in days.
struct Limits {
  long expiry;
  long after_create;
  long before_end;
};

constexpr Limits limits_of(VaultKind kind) {
  return kind == VaultKind::managed_hsm ? Limits{28, 28, 28} : Limits{28, 7, 7};
}

/// A member that is null counts as absent: the service's own samples write null.
json::value const* present(json::object const& object, char const* name) {
  auto const* value = object.if_contains(name);
  return value == nullptr || value->is_null() ? nullptr : value;
}

std::expected<std::optional<Duration>, std::string> duration_member(json::object const& object,
                                                                    char const* name) {
  auto const* value = present(object, name);
  if (value == nullptr) return std::nullopt;
  auto const duration =
      value->is_string() ? parse_duration(std::string_view(value->get_string())) : std::nullopt;
  if (!duration) return std::unexpected(std::string(name) + " is not an ISO-8601 duration.");
  return duration;
}

ReadAction parse_action(json::value const& value, VaultKind kind) {
  if (!value.is_object()) return std::unexpected("A lifetime action must be an object.");
  auto const* trigger = present(value.get_object(), "trigger");
  auto const* action = present(value.get_object(), "action");
  if (trigger == nullptr || !trigger->is_object() || action == nullptr || !action->is_object()) {
    return std::unexpected("A lifetime action needs a trigger and an action.");
  }
  std::string const type = lower(string_member(action->get_object(), "type").value_or(""));
  if (type != "rotate" && type != "notify") return std::unexpected("Action type must be Rotate or Notify.");
  if (type == "notify" && kind == VaultKind::managed_hsm) {
    return std::unexpected("Notify is not supported by Managed HSM.");
  }
  auto const after = duration_member(trigger->get_object(), "timeAfterCreate");
  auto const before = duration_member(trigger->get_object(), "timeBeforeExpiry");
  if (!after) return std::unexpected(after.error());
  if (!before) return std::unexpected(before.error());
  if (after->has_value() == before->has_value()) {
    return std::unexpected("A trigger has exactly one of timeAfterCreate and timeBeforeExpiry.");
  }
  return LifetimeAction{type == "rotate", *after, *before};
}

std::string check_rotate(LifetimeAction const& action, RotationPolicy const& policy, Limits const& limits,
                         std::optional<Instant> expires, Instant now) {
  if (action.after_create) {
    long const length = action.after_create->days_from(now);
    if (length < limits.after_create) {
      return "timeAfterCreate must be at least " + std::to_string(limits.after_create) + " days.";
    }
    if (policy.expiry_time && length > policy.expiry_time->days_from(now) - limits.before_end) {
      return "timeAfterCreate must end at least " + std::to_string(limits.before_end) +
             " days before expiry.";
    }
    return {};
  }
  if (!policy.expiry_time && !expires) return "timeBeforeExpiry needs an expiryTime or a key with exp.";
  long const before = action.before_expiry->days_from(now);
  if (before < limits.before_end && limits.before_end == 7)
    return "timeBeforeExpiry must be at least 7 days.";
  if (policy.expiry_time && before > policy.expiry_time->days_from(now) - limits.after_create) {
    return "timeBeforeExpiry must leave at least " + std::to_string(limits.after_create) +
           " days after creation.";
  }
  return {};
}

std::string check(RotationPolicy const& policy, VaultKind kind, std::optional<Instant> expires, Instant now) {
  Limits const limits = limits_of(kind);
  if (policy.expiry_time && policy.expiry_time->days_from(now) < limits.expiry) {
    return "expiryTime must be at least 28 days.";
  }
  int rotates = 0;
  for (auto const& action : policy.actions) rotates += action.rotate ? 1 : 0;
  if (rotates > 1 || static_cast<int>(policy.actions.size()) - rotates > 1) {
    return "At most one lifetime action of each type is allowed.";
  }
  auto const* rotate = policy.rotate_action();
  return rotate == nullptr ? std::string() : check_rotate(*rotate, policy, limits, expires, now);
}

json::object action_json(LifetimeAction const& action) {
  json::object trigger;
  if (action.after_create) trigger["timeAfterCreate"] = action.after_create->text;
  if (action.before_expiry) trigger["timeBeforeExpiry"] = action.before_expiry->text;
  return {{"trigger", std::move(trigger)}, {"action", {{"type", action.rotate ? "Rotate" : "Notify"}}}};
}

}  // namespace

Instant Duration::after(Instant from) const { return plus_months(from, months) + std::chrono::days(days); }
Instant Duration::before(Instant until) const {
  return plus_months(until, -months) - std::chrono::days(days);
}
long Duration::days_from(Instant now) const { return (after(now) - now) / std::chrono::days(1); }

std::optional<Duration> parse_duration(std::string_view text) {
  Duration result;
  result.text = std::string(text);
  if (text.size() < 3 || text.front() != 'P') return std::nullopt;
  text.remove_prefix(1);
  std::string_view units = "YMD";
  while (!text.empty()) {
    int count = 0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc() || end == text.data() + text.size() || count < 0 || count > 36500)
      return std::nullopt;
    auto const unit = units.find(*end);
    if (unit == std::string_view::npos) return std::nullopt;
    if (*end == 'Y') result.months += 12 * count;
    if (*end == 'M') result.months += count;
    if (*end == 'D') result.days += count;
    units.remove_prefix(unit + 1);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
  }
  return result;
}

LifetimeAction const* RotationPolicy::rotate_action() const {
  for (auto const& action : actions) {
    if (action.rotate) return &action;
  }
  return nullptr;
}

std::optional<Instant> RotationPolicy::due(Instant version_created,
                                           std::optional<Instant> version_expires) const {
  auto const* action = rotate_action();
  if (action == nullptr) return std::nullopt;
  if (action->after_create) return action->after_create->after(version_created);
  if (!version_expires) return std::nullopt;
  return action->before_expiry->before(*version_expires);
}

std::expected<RotationPolicy, std::string> parse_policy(json::object const& body, VaultKind kind,
                                                        std::optional<Instant> expires, Instant now) {
  RotationPolicy policy;
  policy.created = policy.updated = now;
  if (auto const* actions = present(body, "lifetimeActions"); actions != nullptr) {
    if (!actions->is_array()) return std::unexpected("lifetimeActions must be an array.");
    for (auto const& value : actions->get_array()) {
      auto action = parse_action(value, kind);
      if (!action) return std::unexpected(action.error());
      policy.actions.push_back(std::move(*action));
    }
  }
  if (auto const* attributes = present(body, "attributes"); attributes != nullptr) {
    if (!attributes->is_object()) return std::unexpected("attributes must be an object.");
    auto const expiry = duration_member(attributes->get_object(), "expiryTime");
    if (!expiry) return std::unexpected(expiry.error());
    policy.expiry_time = *expiry;
  }
  if (auto const problem = check(policy, kind, expires, now); !problem.empty())
    return std::unexpected(problem);
  return policy;
}

bool is_empty(RotationPolicy const& policy) { return policy.actions.empty() && !policy.expiry_time; }

json::object policy_json(std::optional<RotationPolicy> const& policy, VaultKind kind) {
  json::array actions;
  json::object attributes;
  if (policy) {
    for (auto const& action : policy->actions) actions.push_back(action_json(action));
    if (policy->expiry_time) attributes["expiryTime"] = policy->expiry_time->text;
    attributes["created"] = policy->created.time_since_epoch().count();
    attributes["updated"] = policy->updated.time_since_epoch().count();
  } else if (kind == VaultKind::vault) {
    actions.push_back(action_json({false, std::nullopt, parse_duration("P30D")}));
  }
  return {{"lifetimeActions", std::move(actions)}, {"attributes", std::move(attributes)}};
}

}  // namespace rekeyd::sim::azure
