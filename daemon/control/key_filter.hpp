#pragma once
#include "daemon/control/report.hpp"

#include <map>
#include <optional>
#include <string>

namespace rekeyd::daemon {

/// Which keys somebody wants to see; what is absent matches everything.
struct KeyFilter {
  std::optional<std::string> provider;  ///< Exact.
  std::optional<KeyStatus> status;
  std::optional<std::string> policy;  ///< Exact; "" matches keys without one.
  std::optional<std::string> name;    ///< A glob over the key's name, its id or its whole reference.
  bool operator==(KeyFilter const&) const = default;
};

bool matches(KeyFilter const& filter, KeyReport const& report);

}  // namespace rekeyd::daemon
