#include "providers/azure/rotation_policy.hpp"

#include "providers/json_answer.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace rekeyd::providers::azure {

namespace json = boost::json;

namespace {

constexpr std::chrono::days expiry_least{28};  // Both services refuse a shorter one.

// ARM writes the actions in lower case, the keys API capitalised.
bool is_rotate(std::string_view action) {
  constexpr std::string_view rotate = "rotate";
  return std::ranges::equal(action, rotate, [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b;
  });
}

LifetimeAction read_action(JsonObject const& action) {
  JsonObject const trigger = action.object("trigger");
  // One of the two; the other is absent or null.
  return {action.object("action").text("type"), trigger.text_if("timeAfterCreate"),
          trigger.text_if("timeBeforeExpiry")};
}

struct Length {
  int months{}, days{};
};

/// ISO 8601 as the service writes lengths: "P18M", "P1Y", "P90D", "P2W". Nothing for any other form.
std::optional<Length> parse_length(std::string_view text) {
  if (text.size() < 3 || text.front() != 'P') return std::nullopt;
  text.remove_prefix(1);
  Length length;
  std::string_view units = "YMWD";
  while (!text.empty()) {
    int count = 0;
    auto const [end, failed] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (failed != std::errc() || end == text.data() + text.size() || count < 0 || count > 36500)
      return std::nullopt;
    auto const unit = units.find(*end);
    if (unit == std::string_view::npos) return std::nullopt;
    if (*end == 'Y' || *end == 'M') length.months += *end == 'Y' ? 12 * count : count;
    if (*end == 'W' || *end == 'D') length.days += *end == 'W' ? 7 * count : count;
    units.remove_prefix(unit + 1);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
  }
  return length;
}

ProviderRotation rotation_of(LifetimeAction const& rotate) {
  ProviderRotation rotation;
  rotation.enabled = true;
  rotation.interval = rotate.after_create;
  // "P1M10D" is neither so many months nor so many days: it stays in the service's words.
  if (auto const length = parse_length(rotate.after_create)) {
    if (length->months > 0 && length->days == 0) rotation.months = length->months;
    if (length->days > 0 && length->months == 0) rotation.days = length->days;
  }
  if (rotate.after_create.empty() && !rotate.before_expiry.empty()) {
    rotation.interval = fmt::format("{} before expiry", rotate.before_expiry);
  }
  return rotation;
}

json::object to_json(LifetimeAction const& action) {
  json::object trigger;
  if (!action.after_create.empty()) trigger["timeAfterCreate"] = action.after_create;
  if (!action.before_expiry.empty()) trigger["timeBeforeExpiry"] = action.before_expiry;
  return {{"trigger", std::move(trigger)}, {"action", {{"type", action.type}}}};
}

}  // namespace

Result<RotationPolicyView> parse_rotation_policy(std::string_view body, std::string const& where) {
  JsonAnswer answer(body);
  JsonObject const root = answer.root();
  RotationPolicyView view;
  for (auto const& entry : root.objects_if("lifetimeActions")) {
    view.exists = true;
    auto action = read_action(entry);
    if (is_rotate(action.type)) {
      view.rotation = rotation_of(action);
    } else {
      view.others.push_back(std::move(action));
    }
  }
  JsonObject const attributes = root.object_if("attributes");
  if (view.rotation.enabled) view.rotation.since = attributes.epoch_if("updated");
  view.expiry_time = attributes.text_if("expiryTime");
  view.exists = view.exists || !view.expiry_time.empty();
  if (!answer.sound()) return std::unexpected(answer.error(where));
  return view;
}

std::string rotate_trigger(Months every) { return fmt::format("P{}M", every.count()); }

Body write_rotation_policy(RotationPolicyView const& view, std::optional<Months> every) {
  json::array actions;
  if (every) actions.emplace_back(to_json({"Rotate", rotate_trigger(*every), {}}));
  for (LifetimeAction const& action : view.others) actions.emplace_back(to_json(action));
  json::object attributes;
  if (!view.expiry_time.empty()) attributes["expiryTime"] = view.expiry_time;
  std::string const text = json::serialize(
      json::object{{"lifetimeActions", std::move(actions)}, {"attributes", std::move(attributes)}});
  return {text.data(), text.size()};
}

NeutralRotationPolicy neutral_rotation_policy(std::optional<std::chrono::seconds> lifetime) {
  NeutralRotationPolicy policy;
  policy.expiry_time = "P10Y";
  if (lifetime) {
    auto const days = std::max(std::chrono::round<std::chrono::days>(*lifetime), expiry_least);
    policy.expiry_time = fmt::format("P{}D", days.count());
  }
  auto const text =
      fmt::format(R"({{"lifetimeActions":[],"attributes":{{"expiryTime":"{}"}}}})", policy.expiry_time);
  policy.body.assign(text.data(), text.size());
  return policy;
}

}  // namespace rekeyd::providers::azure
