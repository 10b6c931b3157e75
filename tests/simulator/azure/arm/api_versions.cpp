#include "tests/simulator/azure/arm/api_versions.hpp"

#include "tests/simulator/azure/arm/refusals.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

namespace rekeyd::sim::azure::arm {

namespace {

using Versions = std::set<std::string>;

/// Disk RP: disks, snapshots, disk encryption sets and their operations.
Versions const disk_versions{"2019-07-01", "2019-11-01", "2020-05-01", "2020-06-30", "2020-09-30",
                             "2020-12-01", "2021-04-01", "2021-08-01", "2021-12-01", "2022-03-02",
                             "2022-07-02", "2023-01-02", "2023-04-02", "2023-10-02", "2024-03-02",
                             "2025-01-02", "2026-03-02"};
/// Compute RP: virtual machines and their operations.
Versions const machine_versions{"2019-07-01", "2019-12-01", "2020-06-01", "2020-12-01", "2021-03-01",
                                "2021-04-01", "2021-07-01", "2021-11-01", "2022-03-01", "2022-08-01",
                                "2022-11-01", "2023-03-01", "2023-07-01", "2023-09-01", "2024-03-01",
                                "2024-07-01", "2024-11-01", "2025-04-01", "2025-11-01", "2026-03-01"};
// The dates below are general knowledge, but the first of Storage and SQL, which were recorded.
Versions const lock_versions{"2015-01-01", "2016-09-01", "2017-04-01", "2020-05-01"};
Versions const permission_versions{"2015-07-01", "2018-01-01-preview", "2018-07-01", "2022-04-01"};
Versions const resource_versions{"2019-05-01", "2019-10-01", "2020-01-01", "2020-06-01",
                                 "2020-10-01", "2021-01-01", "2021-04-01", "2022-09-01",
                                 "2022-12-01", "2023-07-01", "2024-03-01", "2024-11-01"};

Versions const storage_versions{"2019-06-01", "2021-01-01", "2021-09-01", "2022-09-01",
                                "2023-01-01", "2023-05-01", "2024-01-01", "2025-01-01"};
Versions const sql_versions{"2015-05-01-preview", "2020-11-01-preview", "2021-11-01",
                            "2022-08-01-preview", "2023-08-01",         "2023-08-01-preview"};

Versions const& versions_of(std::string const& type) {
  static std::string const compute = "microsoft.compute/";
  if (type.empty()) return resource_versions;
  if (type == "microsoft.authorization/locks") return lock_versions;
  if (type == "microsoft.authorization/permissions") return permission_versions;
  if (type.starts_with("microsoft.storage/")) return storage_versions;
  if (type.starts_with("microsoft.sql/")) return sql_versions;
  bool const disk = type == compute + "disks" || type == compute + "snapshots" ||
                    type == compute + "locations/diskoperations" ||
                    type.starts_with(compute + "diskencryptionsets");
  return disk ? disk_versions : machine_versions;
}

}  // namespace

std::optional<Answer> wrong_api_version(std::string const& type, std::optional<std::string> const& version,
                                        std::string const& location) {
  if (!version) {
    return refused_at_gateway(
        400, "MissingApiVersionParameter",
        "The api-version query parameter (?api-version=) is required for all requests.");
  }
  Versions const& known = versions_of(type);
  if (known.contains(*version)) return std::nullopt;
  return refused_at_gateway(
      400, "NoRegisteredProviderFound",
      fmt::format(
          "No registered resource provider found for location '{}' and API version '{}' for type '{}'. The "
          "supported api-versions are '{}'. The supported locations are '{}'.",
          location, *version, type.substr(type.find('/') + 1), fmt::join(known, ", "), location));
}

}  // namespace rekeyd::sim::azure::arm
