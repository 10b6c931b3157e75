#pragma once
#include "policy/error.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Who may do what at Azure Resource Manager, and what is locked, in ARM's bytes
/// (Microsoft.Authorization/permissions, api-version 2022-04-01, and locks, 2016-09-01). Pure, never throws.
namespace rekeyd::providers::azure {

inline constexpr std::string_view permissions_api_version = "2022-04-01";
inline constexpr std::string_view locks_api_version = "2016-09-01";

/// One role assignment's worth of rights: an action is granted if a pattern of `actions` matches it and none
/// of `not_actions`. Several grants add up.
struct ArmGrant {
  std::vector<std::string> actions;
  std::vector<std::string> not_actions;
};

/// Patterns as role definitions have them: '*' for any run of characters, no regard to case.
bool permits(std::span<ArmGrant const> grants, std::string_view action);

struct ArmLock {
  std::string name;
  std::string
      scope;  ///< Id of what is locked, with all below it, in lower case; empty when it cannot be told.
  bool read_only{};  ///< Else only deletion is forbidden, which rekeyd never asks for.
};

Result<std::vector<ArmGrant>> parse_permissions(std::string_view body, std::string const& where);
Result<std::vector<ArmLock>> parse_locks(std::string_view body, std::string const& where);

/// The lock that forbids changing `resource` (an id in lower case), or null.
ArmLock const* lock_over(std::span<ArmLock const> locks, std::string_view resource);

}  // namespace rekeyd::providers::azure
