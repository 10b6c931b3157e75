#include "tests/simulator/azure/arm/estate.hpp"

#include "tests/simulator/azure/arm/resource_id.hpp"
#include "tests/simulator/message.hpp"

#include <array>

namespace rekeyd::sim::azure::arm {

namespace {

constexpr std::array<std::pair<Power, char const*>, 6> power_names{{{Power::running, "running"},
                                                                    {Power::starting, "starting"},
                                                                    {Power::stopping, "stopping"},
                                                                    {Power::stopped, "stopped"},
                                                                    {Power::deallocating, "deallocating"},
                                                                    {Power::deallocated, "deallocated"}}};

}  // namespace

std::string ResourceName::id() const { return resource_id(subscription, group, provider, type, name); }

std::string ResourceName::key() const { return lower(id()); }

std::string ResourceName::shouted_id() const {
  std::string loud = group;
  for (char& letter : loud) {
    if (letter >= 'a' && letter <= 'z') letter = static_cast<char>(letter - 'a' + 'A');
  }
  return resource_id(subscription, loud, provider, type, name);
}

char const* to_text(Power power) {
  for (auto const& [value, name] : power_names) {
    if (value == power) return name;
  }
  return "unknown";
}

std::optional<Power> power_from(std::string_view text) {
  for (auto const& [value, name] : power_names) {
    if (text == name) return value;
  }
  return std::nullopt;
}

}  // namespace rekeyd::sim::azure::arm
