#pragma once
#include "providers/auth/credential_source.hpp"
#include "providers/http/api_client.hpp"

#include <memory>
#include <string>

namespace rekeyd::providers {

/// The metadata service of a VPC virtual server instance.
struct VpcInstance {
  std::string profile;  ///< Id or CRN of a trusted profile; empty: the one that is linked to the instance.
  bool secure{};        ///< Set to secure access: https://api.metadata.cloud.ibm.com instead of plain http.
};

/// Tokens of the instance's own identity, in two steps: PUT /instance_identity/v1/token (header
/// Metadata-Flavor: ibm) gives one that is good for a few minutes on this machine, POST
/// /instance_identity/v1/iam_token changes it for one of IAM's, version 2022-03-01. Plain http goes to the
/// link-local address alone, and never through a proxy.
///
/// Errors: access for what a person must mend (the service is switched off, no profile is linked), transient
/// for a service that is busy or not there, malformed for an answer that is no token service's. `api` and
/// `clock` must outlive it.
std::unique_ptr<CredentialSource> make_ibm_instance_identity(ApiClient& api, Clock& clock,
                                                             VpcInstance instance);

}  // namespace rekeyd::providers
