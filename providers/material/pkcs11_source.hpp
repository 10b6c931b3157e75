#pragma once
#include "providers/material/material_source.hpp"
#include "providers/material/pkcs11_token.hpp"

#include <filesystem>

namespace rekeyd::providers {

struct Pkcs11SourceOptions {
  MaterialSourceName name;
  Pkcs11Token token;
  std::filesystem::path pin_file;  ///< Read for every use, so a corrected PIN needs no restart.
};

/// Material from an HSM that speaks PKCS#11: for each imported key a key object whose label is the key's full
/// name
/// ("azure-prod/payments/cmk-ledger"), extractable, renewed by its owner before each rotation.
///
/// The module runs on a thread of its own, one call after the other; one that does not answer in time is
/// given up (transient, token_silent), and nothing more is asked before it has answered. A PIN that was
/// refused is not tried a second time: tokens lock after a few.
std::unique_ptr<MaterialSource> make_pkcs11_source(Clock& clock, Pkcs11SourceOptions options);

}  // namespace rekeyd::providers
