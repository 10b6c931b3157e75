#include "config/ibm_credentials_reader.hpp"

#include "config/settings_fields.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>

namespace rekeyd::config {

namespace {

using Kind = YamlValue::Kind;

std::array<std::string, 3> const kinds{"api_key", "trusted_profile", "vpc_instance"};
constexpr std::string_view profile_id_prefix = "Profile-";

/// What goes into a request's body and into errors: no control characters, nothing endless.
bool is_speakable(std::string_view text) {
  constexpr std::size_t longest = 256;
  return !text.empty() && text.size() <= longest &&
         std::ranges::none_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

std::optional<std::string> profile_of(Given const& given, bool crn, Findings& findings) {
  auto text = text_of(given, findings);
  bool const fits = text && is_speakable(*text) &&
                    (text->starts_with(profile_id_prefix) || (crn && text->starts_with("crn:v1:")));
  if (!text || fits) return text;
  findings.error(given.at(), "profile",
                 fmt::format("{}: expected the id{} of a trusted profile", given.label, crn ? " or CRN" : ""),
                 "like Profile-0a1b2c3d-0000-4000-8000-000000000001");
  return std::nullopt;
}

std::optional<std::filesystem::path> token_file_of(Given const& given, Findings& findings) {
  auto const path = text_of(given, findings);
  if (!path || (path->starts_with('/') && !path->ends_with('/'))) return path;
  findings.error(given.at(), "path", fmt::format("{}: the path of a token must be absolute", given.label),
                 "begin it with '/'");
  return std::nullopt;
}

std::optional<IbmCredential> api_key_of(Given const& given, Findings& findings) {
  auto reference = secret_reference_of(given, findings);
  if (!reference) return std::nullopt;
  return IbmApiKey{*std::move(reference)};
}

std::optional<IbmCredential> trusted_profile_of(Given const& given, Findings& findings) {
  if (!map_of(given, findings)) return std::nullopt;
  FieldReader fields(given, findings);
  IbmTrustedProfile profile;
  bool const by_id = fields.has("id");
  bool const by_name = fields.has("name");
  assign(profile.id, profile_of(fields.optional("id"), false, findings));
  assign(profile.name, text_of(fields.optional("name"), findings));
  assign(profile.token_file, token_file_of(fields.optional("token_file"), findings));
  fields.finish();
  if (by_id == by_name) {
    findings.error(given.at(), by_id ? "credential-kind" : "missing-field",
                   fmt::format("{} names the profile by one of id, name", given.label),
                   by_id ? "remove the other" : "for example 'id: Profile-...'");
  }
  bool const odd_name = by_name && !is_speakable(profile.name);
  if (odd_name) findings.error(given.at(), "profile", fmt::format("{}: that is no name", given.label));
  return profile;
}

std::optional<IbmCredential> vpc_instance_of(Given const& given, Findings& findings) {
  if (!given) return std::nullopt;
  IbmVpcInstance instance;
  if (given.value->kind != Kind::map) {
    std::vector<std::string> const only{"linked-profile"};
    return word_index_of(given, only, findings) ? std::optional<IbmCredential>(instance) : std::nullopt;
  }
  FieldReader fields(given, findings);
  assign(instance.profile, profile_of(fields.optional("profile"), true, findings));
  assign(instance.secure, truth_of(fields.optional("secure"), findings));
  fields.finish();
  return instance;
}

}  // namespace

IbmCredentials read_ibm_credentials(Given given, Findings& findings) {
  IbmCredentials credentials;
  if (!map_of(given, findings)) return credentials;
  given.echo = Echo::no;
  FieldReader fields(given, findings);
  auto const named = std::ranges::count_if(kinds, [&](std::string const& kind) { return fields.has(kind); });
  if (named == 1) {
    assign(credentials.proof, api_key_of(fields.optional("api_key"), findings));
    assign(credentials.proof, trusted_profile_of(fields.optional("trusted_profile"), findings));
    assign(credentials.proof, vpc_instance_of(fields.optional("vpc_instance"), findings));
  } else {
    findings.error(given.at(), named == 0 ? "missing-field" : "credential-kind",
                   fmt::format("{} needs exactly one of {}", given.label, fmt::join(kinds, ", ")),
                   named == 0 ? "for example 'api_key: { credential: ibm-prod }'" : "remove the others");
    fields.pass_over(kinds);
  }
  if (auto const url = url_of(fields.optional("iam_url"), findings)) credentials.iam_url = url->text;
  for (char const* const azure_field : {"tenant", "client_id", "client_secret", "client_certificate",
                                        "workload_identity", "managed_identity", "authority"}) {
    fields.refuse(azure_field,
                  fmt::format("it belongs to Azure's kinds; IBM's take one of {}", fmt::join(kinds, ", ")));
  }
  fields.finish();
  return credentials;
}

}  // namespace rekeyd::config
