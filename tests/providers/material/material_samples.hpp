#pragma once
#include "providers/material/material_source.hpp"
#include "tests/support/rsa_pem.hpp"
#include "tests/support/run_coroutine.hpp"

namespace rekeyd::test {

/// A key "azure-prod/payments/cmk" that needs such material.
providers::MaterialWanted wanted(KeyAlgorithm algorithm, unsigned bits);

/// What a source says, in real time.
Result<providers::KeyMaterialPtr> drawn(providers::MaterialSource& source,
                                        providers::MaterialWanted const& wanted);
Result<providers::KeyMaterialPtr> seen(providers::MaterialSource& source,
                                       providers::MaterialWanted const& wanted);

}  // namespace rekeyd::test
