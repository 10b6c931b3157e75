#pragma once
#include "providers/azure/key_vault_json.hpp"
#include "providers/material/key_material.hpp"

namespace rekeyd::providers::azure {

/// The body of `PUT /keys/NAME` (KeyImportParameters): `next` describes the version, `material` is what it is
/// made of. An HSM's key gets `Hsm: true`. The operations stand inside the JWK, where the service reads those
/// of an imported key. Private members are in wiped memory only.
/// Precondition: the material's algorithm is the key type's.
Body write_import_key(CreateKey const& next, KeyMaterial const& material);

/// The modulus of an RSA key pair, big-endian, for comparing it with a version's public half.
std::string modulus_of(KeyMaterial const& material);

}  // namespace rekeyd::providers::azure
