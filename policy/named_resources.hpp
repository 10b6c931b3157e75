#pragma once
#include "policy/names.hpp"

#include <span>
#include <string>
#include <string_view>

namespace rekeyd {

/// "a, b and 3 more": the first ten by name, the rest counted. Sentences and events are for reading.
std::string named(std::span<ResourceId const> resources, std::string_view between = ", ");

}  // namespace rekeyd
