#pragma once
#include <chrono>
#include <cstddef>
#include <optional>

namespace rekeyd::sim::azure::arm {

/// The `resource_manager:` of a world file: how this Azure Resource Manager behaves.
struct Settings {
  std::chrono::seconds start{60};
  std::chrono::seconds power_off{20};
  std::chrono::seconds deallocate{45};
  std::chrono::seconds key_change{10};             ///< Of a disk encryption set…
  std::chrono::seconds key_change_per_machine{2};  ///< …and so much more for each of its machines.
  std::optional<unsigned> retry_after;  ///< Seconds in Retry-After of what is under way; none was recorded.
  bool signed_urls{true};               ///< Of operations: about 3.4 KB long, as since 2025.
  bool varying_case{true};              ///< Lists write the resource group in capitals.
  std::size_t page_size{50};
  bool limits{false};  ///< Keep the published limits, with 429.
};

}  // namespace rekeyd::sim::azure::arm
