#pragma once
#include "policy/key.hpp"

#include <string>
#include <vector>

namespace rekeyd::providers::azure {

/// What `after` lacks of what `before` had, one sentence each; empty when the new version is fit for use.
/// Only what the bundle shows is compared: a version made by create has what we gave it, one made by rotate
/// what the service let it inherit, which is nowhere promised for tags, exportability and release policy.
std::vector<std::string> inheritance_defects(RootKey const& before, RootKey const& after);

}  // namespace rekeyd::providers::azure
