#pragma once
#include <algorithm>
#include <string>
#include <string_view>

namespace rekeyd::providers::azure {

/// ASCII letters in lower case: how Azure compares the names of vaults, keys and resources.
inline std::string lower_case(std::string_view text) {
  std::string lowered(text);
  std::ranges::transform(lowered, lowered.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return lowered;
}

}  // namespace rekeyd::providers::azure
