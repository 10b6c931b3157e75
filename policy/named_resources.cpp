#include "policy/named_resources.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rekeyd {

std::string named(std::span<ResourceId const> resources, std::string_view between) {
  constexpr std::size_t named_max = 10;
  std::string names;
  for (std::size_t i = 0; i < std::min(resources.size(), named_max); ++i) {
    if (i > 0) names += between;
    names += resources[i].str();
  }
  if (resources.size() > named_max) names += fmt::format(" and {} more", resources.size() - named_max);
  return names;
}

}  // namespace rekeyd
