#pragma once
#include <string>
#include <string_view>

namespace rekeyd::config {

/// ASCII only: names at the providers that compare without regard to case are ASCII.
std::string lower_case(std::string_view text);

/// 1 to 63 of a-z, 0-9, '-', '_', '.', the first one a letter or digit. Names of providers, vaults, policies,
/// stores and credentials: they stand in paths, metrics and `provider/vault/key`.
bool is_name(std::string_view text);
/// What is_name demands, for messages.
inline constexpr char const* name_rule =
    "1 to 63 lower-case letters, digits, '-', '_' or '.', beginning with a letter or digit";

/// 8-4-4-4-12 hexadecimal digits, any case.
bool is_uuid(std::string_view text);

/// At least two DNS labels: "contoso.onmicrosoft.com".
bool is_domain(std::string_view text);

/// A host name (one label is enough) or IPv4 address by its letters; no port.
bool is_host(std::string_view text);

/// What a group may be called on Debian (adduser's NAME_REGEX, and '$' left out).
bool is_group_name(std::string_view text);

/// Azure's own rule for vaults and HSM pools: 3 to 24 letters, digits and single hyphens, first a letter,
/// last not a hyphen. The name becomes a DNS label.
bool is_azure_vault_name(std::string_view text);

/// "7.5", "7.6-preview.1", "2025-07-01", "2025-06-01-preview".
bool is_azure_api_version(std::string_view text);

}  // namespace rekeyd::config
