#include "tests/simulator/azure/numbered.hpp"

#include <fmt/format.h>

namespace rekeyd::sim::azure {

std::string numbered(std::string name, long number, long last) {
  constexpr std::string_view place = "{n}";
  auto const at = name.find(place);
  if (at == std::string::npos) return name;
  auto const digits = std::to_string(last).size();
  return name.replace(at, place.size(), fmt::format("{:0{}}", number, digits));
}

}  // namespace rekeyd::sim::azure
