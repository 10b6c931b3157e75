#pragma once
#include "providers/azure/key_vault_json.hpp"
#include "providers/material/key_material.hpp"

namespace rekeyd::providers::azure {

/// The body of `PUT /keys/NAME` (KeyImportParameters): `next` describes the version, `material` is what it is
/// made of. An HSM's key gets `Hsm: true`. The operations stand inside the JWK, where the service reads those
/// of an imported key. Private members are in wiped memory only.
/// Precondition: the material's algorithm is the key type's.
Body write_import_key(CreateKey const& next, KeyMaterial const& material);

/// Is `material` the key pair of this version? No for symmetric keys, of which no provider shows anything.
bool is_key_of(KeyBundle const& version, KeyMaterial const& material);

/// The curve of elliptic-curve material as a JWK names it; empty for other material.
std::string curve_of(KeyMaterial const& material);

}  // namespace rekeyd::providers::azure
