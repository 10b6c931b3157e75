#include "config/api_versions_reader.hpp"

#include "config/name_syntax.hpp"

#include <date/date.h>
#include <fmt/format.h>

#include <sstream>

namespace rekeyd::config {

namespace {

using Kind = YamlValue::Kind;

/// What rekeyd.yaml calls a type of resource, and the version whose answers rekeyd was made to read.
struct ResourceType {
  char const* word;
  char const* type;
  char const* made_with;
};
constexpr ResourceType resource_types[] = {
    {"disk_encryption_sets", "microsoft.compute/diskencryptionsets", "2023-10-02"},
    {"sql_servers", "microsoft.sql/servers", "2021-11-01"},
    {"storage_accounts", "microsoft.storage/storageaccounts", "2019-06-01"},
    {"virtual_machines", "microsoft.compute/virtualmachines", "2024-03-01"},
};

/// A day that there is, and perhaps "-preview".
bool is_resource_api_version(std::string_view text) {
  constexpr std::size_t day_length = 10;
  if (!is_azure_api_version(text) || text.size() < day_length || text[4] != '-') return false;
  std::istringstream in{std::string(text.substr(0, day_length))};
  date::year_month_day day{};
  in >> date::parse("%Y-%m-%d", day);
  return !in.fail() && day.ok();
}

std::optional<std::string> resource_api_version_of(Given const& given, ResourceType const& type,
                                                   Findings& findings) {
  auto text = text_of(given, findings);
  if (!text) return std::nullopt;
  if (!is_resource_api_version(*text)) {
    findings.error(
        given.at(), "api-version",
        fmt::format("{}: '{}' is not an API version of Azure Resource Manager", given.label, *text),
        "a date, like \"2024-03-01\"");
    return std::nullopt;
  }
  if (*text < type.made_with) {
    findings.warning(given.at(), "old-api-version",
                     fmt::format("{}: version {} is older than the one that rekeyd was made with, {}: it may "
                                 "not tell all that rekeyd reads",
                                 given.label, *text, type.made_with),
                     "leave it out unless the cloud knows no newer one");
  }
  return text;
}

}  // namespace

std::optional<std::string> vault_api_version_of(Given const& given, Findings& findings) {
  // `api_version: 7.5` cannot be misread, so it needs no quotes here.
  bool const number = given && given.value->kind == Kind::scalar && is_azure_api_version(given.value->text);
  auto text = number ? given.value->text : text_of(given, findings);
  if (!text) return std::nullopt;
  if (!is_azure_api_version(*text)) {
    findings.error(given.at(), "api-version",
                   fmt::format("{}: '{}' is not an API version of Key Vault", given.label, *text),
                   "like \"7.5\" or \"2025-07-01\"");
    return std::nullopt;
  }
  for (char const* const before_rotation : {"7.0", "7.1", "7.2"}) {
    if (*text == before_rotation) {
      findings.error(given.at(), "api-version",
                     fmt::format("{}: version {} cannot rotate keys", given.label, *text),
                     "use 7.3 or newer");
      return std::nullopt;
    }
  }
  return text;
}

std::map<std::string, std::string> resource_api_versions_of(Given const& given, Findings& findings) {
  std::map<std::string, std::string> versions;
  if (!map_of(given, findings)) return versions;
  FieldReader fields(given, findings);
  for (ResourceType const& type : resource_types) {
    auto version = resource_api_version_of(fields.optional(type.word), type, findings);
    if (version) versions.emplace(type.type, *std::move(version));
  }
  fields.finish();
  return versions;
}

}  // namespace rekeyd::config
