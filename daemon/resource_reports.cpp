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

/// Its service had its time to take the key's version up, and no rotation is waiting for it any more.
bool is_left_behind(World& world, Fleet const& fleet, ResourceReport const& report) {
  if (!report.behind() || world.resource_controller(report.resource.resource) != nullptr) return false;
  auto const found = fleet.keys().find(report.resource.key);
  if (found == fleet.keys().end()) return false;
  TrackedKey const& key = found->second;
  ProviderInstance* const instance = world.provider(report.resource.key.provider);
  bool const told =
      instance != nullptr && instance->kms->capabilities(report.resource.key).tells_registrations;
  if (!told || key.rotation || key.stored.gone || !key.stored.key.current_created) return false;
  auto const* applied = std::get_if<AppliedPolicy>(&key.match);
  std::chrono::seconds patience = usual_registrations_patience;
  if (applied != nullptr) patience = applied->policy->registrations_patience;
  return *key.stored.key.current_created + patience < world.clock.wall_now();
}

/// Ten by name, and how many more.
void tell_left_behind(World& world, Fleet const& fleet, std::vector<std::string>& warnings) {
  auto const reports = report_resources(world, fleet);
  if (!reports) return;
  std::size_t left = 0;
  for (ResourceReport const& report : *reports) {
    if (!is_left_behind(world, fleet, report) || ++left > conditions_told_max) continue;
    warnings.push_back(fmt::format(
        "{} ({}) is on an older version of {}: its service has not taken the current one up; look at the "
        "resource at its service, or have a registration removed whose resource is gone",
        report.resource.resource.str(), report.resource.kind, report.resource.key.text()));
  }
  if (left > conditions_told_max) {
    warnings.push_back(
        fmt::format("{} further registered resources are on older versions: see rekeyctl "
                    "resources --behind",
                    left - conditions_told_max));
  }
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

std::vector<std::string> resource_warnings(World& world, Fleet const& fleet) {
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
  tell_left_behind(world, fleet, warnings);
  return warnings;
}

}  // namespace rekeyd::daemon
