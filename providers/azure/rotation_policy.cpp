#include "providers/azure/rotation_policy.hpp"

#include "providers/json_answer.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rekeyd::providers::azure {

namespace {

constexpr std::chrono::days expiry_least{28};  // Both services refuse a shorter one.

// ARM writes the actions in lower case, the keys API capitalised.
bool is_rotate(std::string_view action) {
  constexpr std::string_view rotate = "rotate";
  return std::ranges::equal(action, rotate, [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b;
  });
}

ProviderRotation read_rotate_trigger(JsonObject const& trigger) {
  // One of the two; the other is absent or null.
  std::string const after_create = trigger.text_if("timeAfterCreate");
  std::string const before_expiry = trigger.text_if("timeBeforeExpiry");
  ProviderRotation rotation;
  rotation.enabled = true;
  rotation.interval = after_create;
  if (after_create.empty() && !before_expiry.empty()) {
    rotation.interval = fmt::format("{} before expiry", before_expiry);
  }
  return rotation;
}

}  // namespace

Result<RotationPolicyView> parse_rotation_policy(std::string_view body, std::string const& where) {
  JsonAnswer answer(body);
  JsonObject const root = answer.root();
  RotationPolicyView view;
  for (auto const& action : root.objects_if("lifetimeActions")) {
    view.exists = true;
    if (is_rotate(action.object("action").text("type"))) {
      view.rotation = read_rotate_trigger(action.object("trigger"));
    }
  }
  view.expiry_time = root.object_if("attributes").text_if("expiryTime");
  view.exists = view.exists || !view.expiry_time.empty();
  if (!answer.sound()) return std::unexpected(answer.error(where));
  return view;
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
