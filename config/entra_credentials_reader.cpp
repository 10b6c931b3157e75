#include "config/entra_credentials_reader.hpp"

#include "config/azure_cloud_reader.hpp"
#include "config/name_syntax.hpp"
#include "config/settings_fields.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

namespace rekeyd::config {

namespace {

using Kind = YamlValue::Kind;

std::array<std::string, 4> const kinds{"client_secret", "client_certificate", "workload_identity",
                                       "managed_identity"};

std::vector<std::pair<std::string, AssertionAlgorithm>> const algorithms{
    {"PS256", AssertionAlgorithm::ps256}, {"RS256", AssertionAlgorithm::rs256}};

bool is_tenant(std::string const& text) { return is_uuid(text) || is_domain(text); }

std::optional<std::string> tenant_of(Given const& given, Findings& findings) {
  auto text = text_of(given, findings);
  if (!text || is_tenant(*text)) return text;
  findings.error(given.at(), "uuid", fmt::format("{}: expected a GUID or a domain", given.label),
                 "like 11111111-2222-4333-8444-555555555555");
  return std::nullopt;
}

std::optional<std::string> guid_of(Given const& given, Findings& findings) {
  auto text = text_of(given, findings);
  if (!text || is_uuid(*text)) return text;
  findings.error(given.at(), "uuid", fmt::format("{}: expected a GUID", given.label),
                 "like 11111111-2222-4333-8444-555555555555");
  return std::nullopt;
}

std::optional<ClientSecret> client_secret_of(Given const& given, Findings& findings) {
  auto reference = secret_reference_of(given, findings);
  if (!reference) return std::nullopt;
  return ClientSecret{std::move(*reference)};
}

std::optional<ClientCertificate> client_certificate_of(Given const& given, Findings& findings) {
  auto const map = secret_map_of(given, findings);
  if (!map) return std::nullopt;
  FieldReader fields(*map, findings);
  ClientCertificate certificate;
  auto reference = secret_reference_in(fields, *map, findings);
  assign(certificate.algorithm, word_of(fields.optional("algorithm"), algorithms, findings));
  assign(certificate.send_chain, truth_of(fields.optional("send_chain"), findings));
  fields.finish();
  if (!reference) return std::nullopt;
  certificate.pem = std::move(*reference);
  return certificate;
}

/// Checked as far as the portal shows it: /subscriptions/.../userAssignedIdentities/NAME.
std::optional<std::string> identity_resource_of(Given const& given, Findings& findings) {
  auto text = text_of(given, findings);
  constexpr std::string_view kind = "/providers/microsoft.managedidentity/userassignedidentities/";
  auto const small = lower_case(text.value_or(""));
  if (!text || (small.starts_with("/subscriptions/") && small.find(kind) != std::string::npos)) return text;
  findings.error(given.at(), "resource-id",
                 fmt::format("{}: expected the resource id of a user-assigned managed identity", given.label),
                 "like /subscriptions/GUID/resourceGroups/NAME/providers/Microsoft.ManagedIdentity/"
                 "userAssignedIdentities/NAME");
  return std::nullopt;
}

std::vector<std::pair<std::string, ManagedIdentity::Service>> const services{
    {"imds", ManagedIdentity::Service::imds},
    {"app-service", ManagedIdentity::Service::app_service},
    {"azure-arc", ManagedIdentity::Service::azure_arc}};

void name_identity(FieldReader& fields, ManagedIdentity& identity, Given const& given, Findings& findings) {
  using Named = ManagedIdentity::Named;
  struct Way {
    char const* field;
    Named named;
    std::optional<std::string> (*read)(Given const&, Findings&);
  };
  unsigned names = 0;
  for (Way const& way :
       {Way{"client_id", Named::client_id, &guid_of}, Way{"object_id", Named::object_id, &guid_of},
        Way{"resource_id", Named::resource_id, &identity_resource_of}}) {
    if (fields.has(way.field)) {
      ++names;
      identity.named = way.named;
    }
    assign(identity.id, way.read(fields.optional(way.field), findings));
  }
  if (names > 1) {
    findings.error(
        given.at(), "credential-kind",
        fmt::format("{} names an identity by one of client_id, object_id, resource_id", given.label),
        "remove the others");
  }
}

std::optional<ManagedIdentity> managed_identity_of(Given const& given, Findings& findings) {
  if (!given) return std::nullopt;
  ManagedIdentity identity;
  if (given.value->kind != Kind::map) {
    std::vector<std::string> const only{"system-assigned"};
    return word_index_of(given, only, findings) ? std::optional(identity) : std::nullopt;
  }
  FieldReader fields(given, findings);
  assign(identity.service, word_of(fields.optional("service"), services, findings));
  name_identity(fields, identity, given, findings);
  fields.finish();
  bool const arc = identity.service == ManagedIdentity::Service::azure_arc;
  if (arc && identity.named != ManagedIdentity::Named::system_assigned) {
    findings.error(given.at(), "credential-kind",
                   fmt::format("{}: Azure Arc knows the machine's own identity only", given.label),
                   "remove client_id, object_id and resource_id");
  }
  return identity;
}

/// Reads one map `credentials`.
class CredentialsReader {
 public:
  CredentialsReader(Given const& given, Environment const& environment, Findings& findings)
      : given_(given), fields_(given, findings), environment_(environment), findings_(findings) {}

  EntraCredentials read(AzureCloud const& cloud) {
    EntraCredentials credentials;
    credentials.authority = cloud.authority;
    if (fields_.has("managed_identity")) {
      // The tenant is that of the machine; naming it adds a check of the vaults' challenges.
      assign(credentials.tenant, tenant_of(fields_.optional("tenant"), findings_));
      fields_.refuse("client_id", "which identity it is stands in 'managed_identity'");
    } else {
      bool const projected = fields_.has("workload_identity");
      credentials.tenant = owner("tenant", "AZURE_TENANT_ID", projected, &tenant_of, &is_tenant);
      credentials.client_id = owner("client_id", "AZURE_CLIENT_ID", projected, &guid_of,
                                    [](std::string const& text) { return is_uuid(text); });
    }
    if (is_one_kind()) {
      read_proof(credentials);
    } else {
      fields_.pass_over(kinds);
    }
    Given const authority = fields_.optional("authority");
    if (auto const url = url_of(authority, findings_)) {
      credentials.authority = url->text;
      check_authority(url->text, authority, cloud, findings_);
    }
    for (char const* const ibm_field : {"api_key", "iam_url"}) {
      fields_.refuse(ibm_field,
                     fmt::format("it belongs to IBM's kinds; Azure's take tenant, client_id and one of {}",
                                 fmt::join(kinds, ", ")));
    }
    fields_.finish();
    return credentials;
  }

 private:
  using Read = std::optional<std::string> (*)(Given const&, Findings&);
  using Fits = bool (*)(std::string const&);

  /// The tenant or the application's id: a field, or with a workload identity what the environment says.
  std::string owner(char const* name, char const* variable, bool projected, Read reads, Fits fits) {
    if (fields_.has(name)) return reads(fields_.optional(name), findings_).value_or("");
    if (!projected) {
      (void)fields_.required(name, fmt::format("{}: GUID", name));
      return {};
    }
    (void)fields_.optional(name);
    auto value = environment_(variable);
    if (value && fits(*value)) return *std::move(value);
    missing(name, variable, value.has_value());
    return {};
  }

  void missing(char const* name, char const* variable, bool there) {
    findings_.error(given_.at(), "missing-field",
                    fmt::format("{} needs the field '{}': ${} is {}", given_.label, name, variable,
                                there ? "not fit for it" : "not set"),
                    "write it here, or start rekeyd where the variable is set");
  }

  bool is_one_kind() {
    auto const given =
        std::ranges::count_if(kinds, [this](std::string const& kind) { return fields_.has(kind); });
    if (given == 1) return true;
    findings_.error(
        given_.at(), given == 0 ? "missing-field" : "credential-kind",
        fmt::format("{} needs exactly one of {}", given_.label, fmt::join(kinds, ", ")),
        given == 0 ? "for example 'client_secret: { credential: azure-prod }'" : "remove the others");
    return false;
  }

  void read_proof(EntraCredentials& credentials) {
    assign(credentials.proof, client_secret_of(fields_.optional("client_secret"), findings_));
    assign(credentials.proof, client_certificate_of(fields_.optional("client_certificate"), findings_));
    assign(credentials.proof, workload_identity(fields_.optional("workload_identity")));
    assign(credentials.proof, managed_identity_of(fields_.optional("managed_identity"), findings_));
  }

  std::optional<WorkloadIdentity> workload_identity(Given const& given) {
    if (!map_of(given, findings_)) return std::nullopt;
    FieldReader inner(given, findings_);
    Given const file = inner.optional("token_file");
    inner.finish();
    if (file) {
      auto path = token_path(file);
      return path ? std::optional(WorkloadIdentity{*std::move(path)}) : std::nullopt;
    }
    auto const path = environment_("AZURE_FEDERATED_TOKEN_FILE");
    if (path && path->starts_with('/')) return WorkloadIdentity{*path};
    missing("token_file", "AZURE_FEDERATED_TOKEN_FILE", path.has_value());
    return std::nullopt;
  }

  std::optional<std::filesystem::path> token_path(Given const& file) {
    auto const path = text_of(file, findings_);
    if (!path) return std::nullopt;
    if (path->starts_with('/') && !path->ends_with('/')) return *path;
    findings_.error(file.at(), "path", fmt::format("{}: the path of a token must be absolute", file.label),
                    "begin it with '/'");
    return std::nullopt;
  }

  Given given_;
  FieldReader fields_;
  Environment const& environment_;
  Findings& findings_;
};

}  // namespace

EntraCredentials read_entra_credentials(Given const& given, AzureCloud const& cloud,
                                        Environment const& environment, Findings& findings) {
  if (!map_of(given, findings)) return {};
  Given discreet = given;
  discreet.echo = Echo::no;
  return CredentialsReader(discreet, environment, findings).read(cloud);
}

}  // namespace rekeyd::config
