#include "providers/ibm/crn.hpp"

#include <array>

namespace rekeyd::providers::ibm {

std::string crn_resource_kind(std::string_view crn) {
  constexpr std::size_t parts_max = 10, service = 4, type = 8;
  std::array<std::string_view, parts_max> parts{};
  std::size_t count = 0;
  while (count + 1 < parts_max) {
    auto const colon = crn.find(':');
    parts[count++] = crn.substr(0, colon);
    if (colon == std::string_view::npos) break;
    crn.remove_prefix(colon + 1);
  }
  if (parts[0] != "crn" || count <= service) return {};
  return std::string(parts[type].empty() ? parts[service] : parts[type]);
}

}  // namespace rekeyd::providers::ibm
