#pragma once
#include "config/secret_reference.hpp"

#include <filesystem>
#include <string>
#include <variant>

/// Who rekeyd is at Entra ID, and how it proves it.
namespace rekeyd::config {

struct ClientSecret {
  SecretReference secret;
};

enum class AssertionAlgorithm { ps256, rs256 };

/// A certificate that is registered with the application, or whose subject name and issuer are trusted there.
struct ClientCertificate {
  SecretReference pem;  ///< Private key and certificate in one file.
  AssertionAlgorithm algorithm{AssertionAlgorithm::ps256};
  bool send_chain{false};  ///< Send the certificates along: for trust by subject name and issuer.
};

/// The token of another issuer (a Kubernetes cluster's) stands for the application.
struct WorkloadIdentity {
  std::filesystem::path token_file;
};

/// The identity of the machine that rekeyd runs on.
struct ManagedIdentity {
  enum class Service {
    imds,         ///< A VM or scale set: the instance metadata service.
    app_service,  ///< App Service, Functions, Container Apps: $IDENTITY_ENDPOINT and $IDENTITY_HEADER.
    azure_arc,    ///< A machine outside Azure with the Arc agent.
  };
  /// By what one of several user-assigned identities is told.
  enum class Named { system_assigned, client_id, object_id, resource_id };
  Service service{Service::imds};
  Named named{Named::system_assigned};
  std::string id;  ///< Empty for the system-assigned one.
};

using AzureCredential = std::variant<ClientSecret, ClientCertificate, WorkloadIdentity, ManagedIdentity>;

struct EntraCredentials {
  std::string tenant;     ///< GUID or domain; may be empty with a managed identity.
  std::string client_id;  ///< Empty with a managed identity.
  AzureCredential proof;
  std::string authority{"https://login.microsoftonline.com"};
};

}  // namespace rekeyd::config
