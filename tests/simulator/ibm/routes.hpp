#pragma once
#include "tests/simulator/ibm/operations.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace rekeyd::sim::ibm {

/// Who may call: a role of the service (or a higher one), the KeyPurge role, or IBM's own services only.
enum class Need { reader, reader_plus, writer, manager, key_purge, service };

struct Route {
  std::string_view method;
  std::string_view pattern;  ///< Under /api/v2; `{}` stands for one segment.
  Need need;
  std::string_view name;     ///< For the counts of a world: "keys.rotate".
  std::string_view subject;  ///< Of error texts: "Key could not be rotated".
  /// Empty: the route exists for IBM's own services only. A KeyOperation's first `{}` is the key.
  std::variant<std::monostate, InstanceOperation, KeyOperation> operation;
};

struct Match {
  Route const* route{};
  std::vector<std::string> captures;
};

/// Nothing when no operation has that method and path. Knows the older `POST keys/{}?action=NAME` too.
std::optional<Match> find_route(std::string_view method, Target const& target);

}  // namespace rekeyd::sim::ibm
