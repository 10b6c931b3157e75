#pragma once
#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace rekeyd {

using Tags = std::map<std::string, std::string>;

/// A program of the operator's that takes a machine out of service before it is stopped.
struct DrainCommand {
  std::vector<std::string> words;  ///< Its absolute path, then its arguments.
  std::chrono::seconds deadline{std::chrono::minutes(5)};
  bool operator==(DrainCommand const&) const = default;
};

/// What a policy lets us do to the machines that have to stand still while a resource changes its key.
struct QuiesceRules {
  bool stop{false};         ///< May they be stopped at all?
  std::size_t at_once{10};  ///< Machines that are stopped, or started, at a time.
  /// From the first stop on; when it is over, whatever stands still is started again.
  std::chrono::seconds downtime_max{std::chrono::minutes(30)};
  /// Machines that match the first entry (tag name, exact → glob of its value) are stopped first and started
  /// last, and so on. Those that match none come after all of them, and are started first.
  std::vector<Tags> order;
  std::optional<DrainCommand> drain;
  bool operator==(QuiesceRules const&) const = default;
};

/// Indices into `machines`, in groups to be stopped one after the other; started in the opposite order.
std::vector<std::vector<std::size_t>> quiesce_groups(std::vector<Tags> const& order,
                                                     std::span<Tags const> machines);

}  // namespace rekeyd
