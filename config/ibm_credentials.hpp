#pragma once
#include "config/secret_reference.hpp"

#include <filesystem>
#include <string>
#include <variant>

/// Who rekeyd is at IBM Cloud IAM, and how it proves it.
namespace rekeyd::config {

/// A service id's, or a person's.
struct IbmApiKey {
  SecretReference secret;
};

/// A trusted profile, entered with the token that a platform gives what runs on it: a Kubernetes service
/// account's.
struct IbmTrustedProfile {
  std::string id;                    ///< "Profile-..."; empty: named.
  std::string name;                  ///< Of the profile; empty: told by id.
  std::filesystem::path token_file;  ///< Empty: where platforms of IBM Cloud put it.
};

/// The identity of the VPC virtual server instance that rekeyd runs on.
struct IbmVpcInstance {
  std::string profile;  ///< Id or CRN of a trusted profile; empty: the one that is linked to the instance.
  bool secure{};        ///< The instance's metadata service is set to secure access: https.
};

using IbmCredential = std::variant<IbmApiKey, IbmTrustedProfile, IbmVpcInstance>;

struct IbmCredentials {
  IbmCredential proof;
  std::string iam_url{"https://iam.cloud.ibm.com"};  ///< Not asked by a VPC instance.
};

}  // namespace rekeyd::config
