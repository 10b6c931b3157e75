#include "providers/azure/arm_id.hpp"

#include "providers/azure/letter_case.hpp"

#include <algorithm>
#include <ranges>
#include <vector>

namespace rekeyd::providers::azure {

namespace {

// What names of subscriptions, groups and resources are made of, as far as a path bears it unencoded. A name
// with anything else (a group may have parentheses, which are no trouble) is not one that we act on.
bool is_path_character(char c) {
  bool const alphanumeric = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  return alphanumeric || std::string_view("-_.()").find(c) != std::string_view::npos;
}

bool is_segment(std::string_view segment) {
  return !segment.empty() && segment != "." && segment != ".." &&
         std::ranges::all_of(segment, is_path_character);
}

std::vector<std::string> segments_of(std::string_view path) {
  std::vector<std::string> segments;
  while (true) {
    auto const end = path.find('/');
    segments.emplace_back(path.substr(0, end));
    if (end == std::string_view::npos) return segments;
    path.remove_prefix(end + 1);
  }
}

}  // namespace

std::optional<ArmId> ArmId::parse(std::string_view text) {
  std::string const path = lower_case(text);
  if (!path.starts_with('/')) return std::nullopt;
  auto const segments = segments_of(std::string_view(path).substr(1));
  // subscriptions, S, resourcegroups, G, providers, NAMESPACE, then pairs of type and name.
  bool const complete = segments.size() >= 8 && segments.size() % 2 == 0;
  if (!complete || !std::ranges::all_of(segments, is_segment)) return std::nullopt;
  if (segments[0] != "subscriptions" || segments[2] != "resourcegroups" || segments[4] != "providers") {
    return std::nullopt;
  }
  ArmId id;
  id.subscription = segments[1];
  id.resource_group = segments[3];
  id.type = segments[5];
  for (std::size_t i = 6; i < segments.size(); i += 2) id.type += "/" + segments[i];
  id.name = segments.back();
  id.path = path;
  return id;
}

}  // namespace rekeyd::providers::azure
