#pragma once
#include "providers/material/material_source.hpp"

#include <optional>

namespace rekeyd::providers {

struct RandomSourceOptions {
  MaterialSourceName name;
  /// Size of symmetric keys whose provider does not tell it. A size that is told comes first.
  std::optional<unsigned> bits;
  /// RSA keys take a second to find: elsewhere than on the loop. False in a simulation, which has one thread.
  bool own_thread{true};
};

/// Material from OpenSSL's random generator, made in secure memory and gone once it is imported: what only
/// the provider has afterwards. Makes symmetric keys and RSA keys of 2048, 3072 and 4096 bits.
std::unique_ptr<MaterialSource> make_random_source(RandomSourceOptions options);

}  // namespace rekeyd::providers
