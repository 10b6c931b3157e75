#include "config/settings_fields.hpp"

#include "config/name_syntax.hpp"

#include <fmt/format.h>

namespace rekeyd::config {

namespace {

using namespace std::chrono_literals;
using Kind = YamlValue::Kind;

constexpr char const* secret_hint =
    "write { credential: NAME } (systemd's LoadCredential=) or { file: /ABSOLUTE/PATH }";

std::optional<SecretReference> credential_of(Given const& given, Findings& findings) {
  auto const name = text_of(given, findings);
  if (!name) return std::nullopt;
  if (is_name(*name)) return SecretReference{SecretReference::Kind::credential, *name};
  findings.error(given.at(), "name", fmt::format("{}: a credential's name is {}", given.label, name_rule));
  return std::nullopt;
}

std::optional<SecretReference> secret_file_of(Given const& given, Findings& findings) {
  auto const path = text_of(given, findings);
  if (!path) return std::nullopt;
  if (path->starts_with('/') && !path->ends_with('/')) {
    return SecretReference{SecretReference::Kind::file, *path};
  }
  findings.error(given.at(), "path", fmt::format("{}: the path of a secret must be absolute", given.label),
                 "begin it with '/'");
  return std::nullopt;
}

std::optional<long long> published_percent_of(Given const& given, Findings& findings) {
  auto const percent = whole_number_of(given, 1, 100'000, findings);
  if (percent && *percent > 100) {
    findings.warning(
        given.at(), "above-published",
        fmt::format("'{}' is more than Azure publishes: it will refuse calls (429), those of other "
                    "clients of the vaults, too, unless it has raised their limits",
                    given.label),
        "100 or less without a written grant; docs/limits.md tells what is taken");
  }
  return percent;
}

bool is_azure(ProviderKind kind) {
  return kind == ProviderKind::azure_key_vault || kind == ProviderKind::azure_managed_hsm;
}

}  // namespace

std::optional<std::string> name_of(Given const& given, Findings& findings) {
  auto name = text_of(given, findings);
  if (!name || is_name(*name)) return name;
  findings.error(given.at(), "name", fmt::format("{}: a name is {}", given.label, name_rule));
  return std::nullopt;
}

std::optional<EndpointUrl> url_of(Given const& given, Findings& findings) {
  auto const text = text_of(given, findings);
  if (!text) return std::nullopt;
  auto url = parse_endpoint_url(*text);
  if (url) return *url;
  report(given, url.error(), findings);
  return std::nullopt;
}

std::optional<EndpointUrl> service_url_of(Given const& given, ProviderKind kind, Findings& findings) {
  auto url = url_of(given, findings);
  if (!url) return std::nullopt;
  auto const real = kind_of_host(url->host);
  if (!real || *real == kind) return url;
  findings.error(given.at(), "kind-mismatch",
                 fmt::format("{}: this host is a service of kind {}, not {}", given.label, to_text(*real),
                             to_text(kind)),
                 "correct the url, or the provider's kind");
  return std::nullopt;
}

std::optional<std::filesystem::path> path_of(Given const& given, std::filesystem::path const& folder,
                                             Findings& findings) {
  auto const text = text_of(given, findings);
  if (!text) return std::nullopt;
  if (text->starts_with('~')) {
    findings.error(given.at(), "path", fmt::format("{}: '~' is a shell's word for a folder", given.label),
                   "write the whole path");
    return std::nullopt;
  }
  std::filesystem::path path = (folder / *text).lexically_normal();
  return path.has_filename() ? path : path.parent_path();
}

std::optional<SecretReference> secret_reference_in(FieldReader& fields, Given const& given,
                                                   Findings& findings) {
  Given const credential = fields.optional("credential");
  Given const file = fields.optional("file");
  if (fields.has("credential") == fields.has("file")) {
    findings.error(given.at(), "secret-reference",
                   fmt::format("{} needs exactly one of 'credential' and 'file'", given.label), secret_hint);
    return std::nullopt;
  }
  return fields.has("credential") ? credential_of(credential, findings) : secret_file_of(file, findings);
}

std::optional<Given> secret_map_of(Given const& given, Findings& findings) {
  if (!given) return std::nullopt;
  Given discreet = given;
  discreet.echo = Echo::no;
  if (given.value->kind == Kind::map) return discreet;
  findings.error(given.at(), "secret-in-clear",
                 fmt::format("{}: a secret must not stand in this file", given.label), secret_hint);
  return std::nullopt;
}

std::optional<SecretReference> secret_reference_of(Given const& given, Findings& findings) {
  auto const map = secret_map_of(given, findings);
  if (!map) return std::nullopt;
  FieldReader fields(*map, findings);
  auto reference = secret_reference_in(fields, *map, findings);
  fields.finish();
  return reference;
}

LimitSettings limits_of(Given const& given, std::optional<ProviderKind> kind, Findings& findings) {
  LimitSettings limits;
  if (!map_of(given, findings)) return limits;
  FieldReader fields(given, findings);
  assign(limits.in_flight, whole_number_of(fields.optional("in_flight"), 1, 256, findings));
  assign(limits.per_second, decimal_of(fields.optional("per_second"), 0, 10'000, findings));
  if (kind && !is_azure(*kind)) {
    fields.refuse("published_percent", "IBM publishes no such limits; 'per_second' is what you want");
  } else {
    assign(limits.published_percent, published_percent_of(fields.optional("published_percent"), findings));
  }
  assign(limits.tries, whole_number_of(fields.optional("tries"), 1, 10, findings));
  assign(limits.call_timeout, duration_of(fields.optional("call_timeout"), 1s, 10min, findings));
  fields.finish();
  return limits;
}

}  // namespace rekeyd::config
