#pragma once
#include "providers/http/api_client.hpp"
#include "providers/ibm/import_token.hpp"
#include "providers/kms_provider.hpp"

namespace rekeyd::providers {

/// Three services with one REST API. HPCS ends in March 2027; Dedicated is its successor.
enum class IbmKind { key_protect, key_protect_dedicated, hpcs };

/// All that differs between them for us. Code asks the record and never compares kinds.
struct IbmFlavour {
  Capabilities capabilities;
  char const* service;                                       ///< For people: "Key Protect Dedicated".
  ibm::ImportCipher import_cipher{ibm::ImportCipher::none};  ///< Of its import tokens.
  /// What a 503 in plain text means there, or null where it means nothing special.
  char const* not_ready_remedy{};
};

IbmFlavour const& ibm_flavour(IbmKind kind);

/// No figures are published; 429 exists. Modest defaults, the same for all.
ApiLimits ibm_default_limits(IbmKind kind);

}  // namespace rekeyd::providers
