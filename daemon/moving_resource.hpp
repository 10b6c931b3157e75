#pragma once
#include "policy/registration.hpp"
#include "policy/rotation.hpp"
#include "providers/resource_controller.hpp"
#include "storage/store.hpp"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace rekeyd::daemon {

/// How long one call to a provider may take.
inline constexpr auto resource_call_patience = std::chrono::minutes(2);
/// How long one try follows a change.
inline constexpr auto change_patience = std::chrono::minutes(30);
inline constexpr auto resource_look_again_after = std::chrono::seconds(30);

/// One resource on its way.
struct MovingResource {
  Rotation const& rotation;
  Instant version_made;
  providers::ResourceController& controller;
  Registration resource;
  std::vector<storage::ResourceChange> asked;  ///< Of it, in this rotation.
  std::chrono::seconds patience{change_patience};
  bool at_rest{};     ///< Its machines stand still.
  bool needs_rest{};  ///< It is behind, and they have to.
};

/// Wholly, and with no change under way.
bool is_on(Registration const& resource, VersionId const& version);
bool has_condition(Registration const& resource, std::string_view word);
Error trouble_with(Registration const& resource, ErrorClass error_class, std::string what,
                   std::string remedy);

}  // namespace rekeyd::daemon
