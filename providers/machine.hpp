#pragma once
#include "policy/registration.hpp"

#include <map>
#include <optional>
#include <string>

namespace rekeyd::providers {

/// What a machine is doing.
enum class Power {
  unknown,  ///< Its provider does not tell just now: never to be taken for rest.
  running,
  changing,  ///< On its way from one state to another.
  stopped,   ///< Off, and still holding its host: not at rest for a change of key.
  released,  ///< Off, and without a host (Azure: deallocated): at rest.
};

/// A machine whose disks live on a resource, as its provider shows it now.
struct Machine {
  ResourceId id;
  Power power{Power::unknown};
  std::map<std::string, std::string> tags{};
  /// Why it could not be brought to rest, or would not come back from it: a word of docs/resources.md.
  std::optional<ResourceCondition> obstacle{};
  bool operator==(Machine const&) const = default;
};

char const* to_text(Power power);
std::optional<Power> parse_power(std::string_view text);

}  // namespace rekeyd::providers
