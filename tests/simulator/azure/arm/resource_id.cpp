#include "tests/simulator/azure/arm/resource_id.hpp"

#include "tests/simulator/message.hpp"

#include <fmt/format.h>

namespace rekeyd::sim::azure::arm {

namespace {

std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> segments;
  while (!path.empty()) {
    path.remove_prefix(1);
    auto const end = std::min(path.find('/'), path.size());
    segments.push_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return segments;
}

std::size_t last_provider(std::vector<std::string_view> const& segments) {
  for (std::size_t at = segments.size(); at-- > 0;) {
    if (lower(segments[at]) == "providers") return at;
  }
  return segments.size();
}

}  // namespace

std::string ResourceId::type() const {
  std::string joined;
  for (auto const& [type, name] : parts) joined += (joined.empty() ? "" : "/") + type;
  return joined;
}

std::optional<ResourceId> parse_resource_path(std::string_view path) {
  if (!path.starts_with('/')) return std::nullopt;
  auto const segments = split(path);
  if (segments.size() < 2 || lower(segments[0]) != "subscriptions" || segments[1].empty())
    return std::nullopt;
  ResourceId id;
  id.subscription = lower(segments[1]);
  auto const provider = last_provider(segments);
  bool const grouped = segments.size() > 2 && lower(segments[2]) == "resourcegroups";
  std::size_t const scope_end = grouped ? 4 : 2;
  if (grouped && (segments.size() < scope_end || segments[3].empty())) return id;  // The list of groups.
  if (segments.size() > scope_end && lower(segments[scope_end]) != "providers") return std::nullopt;
  if (grouped) id.group = segments[3];
  for (std::size_t at = 0; at < provider; ++at) id.scope.append("/").append(segments[at]);
  if (provider == segments.size()) return id;
  bool const names_type =
      provider + 2 < segments.size() && !segments[provider + 1].empty() && !segments[provider + 2].empty();
  if (!names_type) return std::nullopt;
  id.provider = lower(segments[provider + 1]);
  for (std::size_t at = provider + 2; at < segments.size(); at += 2) {
    auto const name = at + 1 < segments.size() ? segments[at + 1] : std::string_view();
    id.parts.emplace_back(lower(segments[at]), std::string(name));
  }
  return id;
}

std::string group_id(std::string_view subscription, std::string_view group) {
  return fmt::format("/subscriptions/{}/resourceGroups/{}", subscription, group);
}

std::string resource_id(std::string_view subscription, std::string_view group, std::string_view provider,
                        std::string_view type, std::string_view name) {
  return fmt::format("{}/providers/{}/{}/{}", group_id(subscription, group), provider, type, name);
}

bool is_within(std::string_view id, std::string_view scope) {
  return id.starts_with(scope) && (id.size() == scope.size() || id[scope.size()] == '/');
}

}  // namespace rekeyd::sim::azure::arm
