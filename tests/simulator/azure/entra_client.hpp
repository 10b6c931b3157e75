#pragma once
#include "tests/simulator/azure/client_certificate.hpp"

#include <string>
#include <vector>

namespace rekeyd::sim::azure {

/// Whose tokens stand for an application.
struct FederatedCredential {
  std::string issuer, subject, audience;
};

/// An application at Entra ID, and by what it may prove that it is itself.
struct EntraClient {
  std::string secret;  ///< Empty: it has none.
  std::vector<ClientCertificate> certificates;
  std::vector<FederatedCredential> federated;
};

}  // namespace rekeyd::sim::azure
