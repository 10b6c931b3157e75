#include "providers/azure/arm_authorization.hpp"

#include "providers/azure/letter_case.hpp"
#include "providers/json_answer.hpp"

#include <algorithm>

namespace rekeyd::providers::azure {

namespace {

// "LOCKED/providers/Microsoft.Authorization/locks/NAME"
std::string scope_of_lock(std::string_view id) {
  std::string const lowered = lower_case(id);
  auto const end = lowered.rfind("/providers/microsoft.authorization/locks/");
  return end == std::string::npos ? std::string() : lowered.substr(0, end);
}

/// '*' matches anything, '/' included; all else is itself.
bool matches(std::string_view pattern, std::string_view action) {
  auto const star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == action;
  if (action.substr(0, star) != pattern.substr(0, star)) return false;
  std::string_view const rest = pattern.substr(star + 1);
  for (std::size_t at = star; at <= action.size(); ++at) {
    if (matches(rest, action.substr(at))) return true;
  }
  return false;
}

bool any_matches(std::vector<std::string> const& patterns, std::string_view action) {
  return std::ranges::any_of(
      patterns, [&](std::string const& pattern) { return matches(lower_case(pattern), action); });
}

}  // namespace

bool permits(std::span<ArmGrant const> grants, std::string_view action) {
  std::string const wanted = lower_case(action);
  return std::ranges::any_of(grants, [&](ArmGrant const& grant) {
    return any_matches(grant.actions, wanted) && !any_matches(grant.not_actions, wanted);
  });
}

Result<std::vector<ArmGrant>> parse_permissions(std::string_view body, std::string const& where) {
  JsonAnswer answer(body);
  std::vector<ArmGrant> grants;
  for (JsonObject const& entry : answer.root().objects_if("value")) {
    grants.push_back({entry.texts_if("actions"), entry.texts_if("notActions")});
  }
  if (!answer.sound()) return std::unexpected(answer.error(where));
  return grants;
}

Result<std::vector<ArmLock>> parse_locks(std::string_view body, std::string const& where) {
  JsonAnswer answer(body);
  std::vector<ArmLock> locks;
  for (JsonObject const& entry : answer.root().objects_if("value")) {
    ArmLock lock;
    lock.name = entry.text("name");
    lock.scope = scope_of_lock(entry.text("id"));
    lock.read_only = lower_case(entry.object("properties").text("level")) == "readonly";
    locks.push_back(std::move(lock));
  }
  if (!answer.sound()) return std::unexpected(answer.error(where));
  return locks;
}

ArmLock const* lock_over(std::span<ArmLock const> locks, std::string_view resource) {
  auto const found = std::ranges::find_if(locks, [&](ArmLock const& lock) {
    bool const within = resource.starts_with(lock.scope) &&
                        (resource.size() == lock.scope.size() || resource[lock.scope.size()] == '/');
    return lock.read_only && !lock.scope.empty() && within;
  });
  return found == locks.end() ? nullptr : &*found;
}

}  // namespace rekeyd::providers::azure
