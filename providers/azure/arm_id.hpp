#pragma once
#include "policy/names.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace rekeyd::providers::azure {

/// The id of a resource at Azure Resource Manager, in lower case: ARM compares ids without regard to case and
/// gives the same one back in varying case.
///
///   /subscriptions/{s}/resourcegroups/{g}/providers/{namespace}/{type}/{name}[/{type}/{name}...]
struct ArmId {
  std::string subscription;
  std::string resource_group;
  std::string type;  ///< "microsoft.compute/virtualmachines"
  std::string name;  ///< Of the last part; the path holds the others.
  std::string path;  ///< The whole id.

  /// Nothing for anything that is not an id of a resource in a resource group, or that could not stand in a
  /// request's path as it is.
  static std::optional<ArmId> parse(std::string_view text);
  ResourceId resource() const { return ResourceId(path); }
  bool is(std::string_view lower_type) const { return type == lower_type; }
};

}  // namespace rekeyd::providers::azure
