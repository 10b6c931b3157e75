#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rekeyd::sim::azure::arm {

/// What a path at Azure Resource Manager names: a scope (subscription, group or resource), then perhaps a
/// provider's list, resource, or something about one. Paths are told apart in any case.
struct ResourceId {
  std::string subscription;  ///< Lower case.
  std::string group;         ///< As written; empty: of the subscription.
  std::string provider;      ///< Lower case, "microsoft.compute"; empty: none is named.
  std::string scope;         ///< The path before "/providers/PROVIDER", as written.
  /// After the provider: {"virtualmachines", "vm1"}, {"instanceview", ""}. Types in lower case, names as
  /// written; a last type without a name is a list, or an act.
  std::vector<std::pair<std::string, std::string>> parts;

  bool in_group() const { return !group.empty(); }
  /// The types, joined: "virtualmachines/extensions".
  std::string type() const;
  /// The name of the n-th part, or empty.
  std::string name(std::size_t n) const { return n < parts.size() ? parts[n].second : std::string(); }
};

/// Of "/subscriptions/S[/resourceGroups/G][/providers/P/TYPE[/NAME]…]". When the path names several
/// providers, the last counts, and all before it is the scope. Nothing for any other path.
std::optional<ResourceId> parse_resource_path(std::string_view path);

/// "/subscriptions/S/resourceGroups/G"
std::string group_id(std::string_view subscription, std::string_view group);
/// "/subscriptions/S/resourceGroups/G/providers/PROVIDER/TYPE/NAME"
std::string resource_id(std::string_view subscription, std::string_view group, std::string_view provider,
                        std::string_view type, std::string_view name);

/// Whether `scope` is `id` or holds it; both in lower case.
bool is_within(std::string_view id, std::string_view scope);

}  // namespace rekeyd::sim::azure::arm
