#include "providers/azure/inheritance.hpp"

#include "policy/upkeep.hpp"
#include "providers/azure/key_vault_json.hpp"
#include "providers/azure/rotation_policy.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

namespace rekeyd::providers::azure {

namespace {

using Defects = std::vector<std::string>;

void compare_type(RootKey const& before, RootKey const& after, Defects& defects) {
  // A listing shows no type; then there is nothing to compare with.
  if (before.type.algorithm != KeyAlgorithm::other && before.type != after.type) {
    defects.push_back(fmt::format("the type changed from {} {} bits ({}) to {} {} bits ({})",
                                  to_text(before.type.algorithm), before.type.bits,
                                  to_text(before.type.protection), to_text(after.type.algorithm),
                                  after.type.bits, to_text(after.type.protection)));
  }
}

// An operation too many is a defect as well: a wrapping key that suddenly signs is another key.
void compare_operations(RootKey const& before, RootKey const& after, Defects& defects) {
  if (before.operations.empty() || before.operations == after.operations) return;
  defects.push_back(fmt::format("the operations changed from {} to {}", fmt::join(before.operations, ", "),
                                fmt::join(after.operations, ", ")));
}

void compare_tags(RootKey const& before, RootKey const& after, Defects& defects) {
  for (auto const& [name, value] : before.tags) {
    if (name == operation_tag || tells_of_rotation(name)) continue;
    auto const carried = after.tags.find(name);
    if (carried == after.tags.end()) {
      defects.push_back(fmt::format("the tag {} is gone", name));
    } else if (carried->second != value) {
      defects.push_back(fmt::format("the tag {} changed from {} to {}", name, value, carried->second));
    }
  }
}

void compare_expiry(RootKey const& before, RootKey const& after, Defects& defects) {
  if (before.expires && !after.expires) {
    defects.push_back("the version before had an expiry, the new one has none");
  }
  if (!after.expires || !after.current_created) return;
  auto const lifetime = *after.expires - *after.current_created;
  if (!before.expires) {
    if (lifetime < negligible_expiry) {
      defects.push_back(fmt::format("the new version expires on {}, the one before had no expiry",
                                    to_rfc3339(*after.expires)));
    }
    return;
  }
  if (!before.current_created) return;
  // Services count months of different length, and the request took a while: a tenth may be missing.
  auto const wanted = *before.expires - *before.current_created;
  if (lifetime < wanted - wanted / 10) {
    defects.push_back(fmt::format("the new version lives {} days, the one before lived {}",
                                  std::chrono::floor<std::chrono::days>(lifetime).count(),
                                  std::chrono::floor<std::chrono::days>(wanted).count()));
  }
}

}  // namespace

Defects inheritance_defects(RootKey const& before, RootKey const& after) {
  Defects defects;
  if (after.state != KeyState::active) {
    defects.push_back(fmt::format("the new version is {}, not active", to_text(after.state)));
  }
  compare_type(before, after, defects);
  compare_operations(before, after, defects);
  compare_tags(before, after, defects);
  compare_expiry(before, after, defects);
  if (before.exportable != after.exportable) {
    defects.push_back(after.exportable ? "the new version is exportable, the one before was not"
                                       : "the new version is not exportable, the one before was");
  }
  if (before.release_policy != after.release_policy && !before.release_policy.empty()) {
    defects.push_back(after.release_policy.empty()
                          ? "the new version has no release policy, the one before had one"
                          : "the release policy of the new version says something else than the one before");
  }
  return defects;
}

}  // namespace rekeyd::providers::azure
