#include "daemon/resource_reports.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace rekeyd::daemon {

namespace {

constexpr std::size_t conditions_told_max = 10;

/// Those that the instance looks after and with which something is wrong; none if the store cannot be read,
/// which others tell.
std::vector<Registration> troubled_of(World& world, ProviderInstance const& instance) {
  auto registrations = world.store.registrations_under(instance.resources->id_prefix());
  if (!registrations) return {};
  std::erase_if(*registrations, [&](Registration const& each) {
    return !each.condition || !instance.resources->looks_after(each.resource);
  });
  return *std::move(registrations);
}

}  // namespace

Result<std::vector<ResourceReport>> report_resources(World& world, Fleet const& fleet) {
  auto registrations = world.store.registrations_under("");
  if (!registrations) return std::unexpected(registrations.error());
  std::vector<ResourceReport> reports;
  for (Registration& registration : *registrations) {
    auto const key = fleet.keys().find(registration.key);
    std::optional<VersionId> current;
    if (key != fleet.keys().end()) current = key->second.stored.key.current;
    reports.push_back({std::move(registration), std::move(current)});
  }
  std::ranges::sort(reports, {}, [](ResourceReport const& each) {
    return std::tie(each.resource.key, each.resource.resource);
  });
  return reports;
}

std::vector<std::string> resource_warnings(World& world) {
  std::vector<std::string> warnings;
  std::size_t troubled = 0;
  for (auto const& [name, instance] : world.providers) {
    if (!instance->resources) continue;
    std::string const& error = instance->resource_health.last_error;
    if (!error.empty()) warnings.push_back(fmt::format("provider {}: resources: {}", name.str(), error));
    for (Registration const& registration : troubled_of(world, *instance)) {
      if (++troubled > conditions_told_max) continue;
      warnings.push_back(fmt::format("{} ({}): {}; {}", registration.resource.str(),
                                     registration.condition->word, registration.condition->sentence,
                                     registration.condition->remedy));
    }
  }
  if (troubled > conditions_told_max) {
    warnings.push_back(fmt::format("{} further resources are in trouble: see rekeyctl resources --troubled",
                                   troubled - conditions_told_max));
  }
  return warnings;
}

}  // namespace rekeyd::daemon
