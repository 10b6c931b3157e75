#pragma once
#include "providers/auth/credential_source.hpp"
#include "providers/http/api_client.hpp"

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

/// Tokens of the machine's own identity, from a service on the machine itself or on its link. All of them
/// speak plain http, which the transport lets through to loopback and link-local addresses only, and never
/// through a proxy. Errors: access for what a person must mend (no identity assigned), transient for a
/// service that is busy, being updated or not there. `api` and `clock` must outlive the sources; `api` should
/// try once: when to try again is decided here.
namespace rekeyd::providers {

/// Which of the machine's identities.
struct ManagedIdentity {
  enum class Named { system_assigned, client_id, object_id, resource_id };
  Named named{Named::system_assigned};
  std::string id{};
};

/// Where a local token service answers: "http://localhost:40342/metadata/identity/oauth2/token".
struct LocalService {
  Endpoint endpoint;
  std::string path;  ///< Percent-encoded, without a query.

  /// Permanent error for anything but a URL with a path, without a query; plain http only where it may be
  /// used (goes_in_clear).
  static Result<LocalService> parse(std::string_view url);
};

/// The instance metadata service of a VM: GET http://169.254.169.254/metadata/identity/oauth2/token, header
/// Metadata: true, api-version 2018-02-01
/// (https://learn.microsoft.com/en-us/entra/identity/managed-identities-azure-resources/how-to-use-vm-token).
/// Whether it is there at all is asked first, for one second, as Microsoft's libraries do.
std::unique_ptr<CredentialSource> make_instance_identity(ApiClient& api, Clock& clock,
                                                         ManagedIdentity identity);

/// App Service, Functions and Container Apps: $IDENTITY_ENDPOINT with $IDENTITY_HEADER as X-IDENTITY-HEADER,
/// api-version 2019-08-01.
std::unique_ptr<CredentialSource> make_app_service_identity(ApiClient& api, Clock& clock,
                                                            ManagedIdentity identity, LocalService service,
                                                            Secret header);

/// The Azure Arc agent, api-version 2019-11-01: it answers 401 with the name of a file that only its group
/// may read, and wants the file's content back. Only files directly in `key_folder`, named *.key, of 4096
/// bytes at most are read. There are no user-assigned identities here.
std::unique_ptr<CredentialSource> make_arc_identity(
    ApiClient& api, Clock& clock, LocalService service,
    std::filesystem::path key_folder = "/var/opt/azcmagent/tokens");

/// How long to wait before the next try, or nothing if the last outcome is final. Five tries with 2, 6, 14
/// and 30 s between them for 404 (starting), 410 (being updated), 429, 5xx and no answer; while it is 410, on
/// until 70 s have passed since the first try. `outcome`: a status, 0 for none.
std::optional<std::chrono::seconds> wait_for_instance_service(unsigned outcome, int tries,
                                                              std::chrono::seconds since_first);

}  // namespace rekeyd::providers
