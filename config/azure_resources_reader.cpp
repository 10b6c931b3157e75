#include "config/azure_resources_reader.hpp"

#include "config/name_syntax.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rekeyd::config {

namespace {

/// Azure's rule for resource groups is 1 to 90 letters, digits, '-', '_', '.', '(' and ')', not ending with a
/// dot; letters of other scripts, which it allows, cannot stand in a request as they are.
bool is_resource_group(std::string_view name) {
  auto const allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || std::string_view("-_.()").contains(c);
  };
  return !name.empty() && name.size() <= 90 && name.back() != '.' &&
         std::ranges::all_of(lower_case(name), allowed);
}

std::optional<std::string> subscription_of(Given const& given, Findings& findings) {
  auto const text = text_of(given, findings);
  if (!text) return std::nullopt;
  if (is_uuid(*text)) return lower_case(*text);
  findings.error(given.at(), "uuid", fmt::format("{}: expected a subscription's GUID", given.label),
                 "like 99999999-aaaa-4bbb-8ccc-000000000001");
  return std::nullopt;
}

std::vector<std::string> groups_of(Given const& given, Findings& findings) {
  std::vector<std::string> groups;
  for (Given const& item : list_of(given, findings)) {
    auto const name = text_of(item, findings);
    if (!name) continue;
    std::string const group = lower_case(*name);
    if (!is_resource_group(group)) {
      findings.error(
          item.at(), "name",
          fmt::format("{}: a resource group's name is 1 to 90 letters, digits, '-', '_', '.', '(' or ')'",
                      item.label),
          "give its name, not its id");
    } else if (std::ranges::find(groups, group) != groups.end()) {
      findings.error(item.at(), "given-twice", fmt::format("the resource group '{}' is given twice", group),
                     "remove one of the two");
    } else {
      groups.push_back(group);
    }
  }
  if (given && given.value->kind == YamlValue::Kind::list && given.value->items.empty()) {
    findings.error(given.at(), "empty-list", "'resource_groups' is empty: nothing would be looked at",
                   "leave it out for the whole subscription");
  }
  return groups;
}

}  // namespace

std::vector<AzureResourceScope> azure_resources_of(Given const& given, Findings& findings) {
  std::vector<AzureResourceScope> scopes;
  for (Given const& item : list_of(given, findings)) {
    if (!map_of(item, findings)) continue;
    FieldReader fields(item, findings);
    auto const subscription =
        subscription_of(fields.required("subscription", "subscription: GUID"), findings);
    auto groups = groups_of(fields.optional("resource_groups"), findings);
    fields.finish();
    if (subscription) scopes.push_back({*subscription, std::move(groups)});
  }
  return scopes;
}

}  // namespace rekeyd::config
