#pragma once
#include "tests/simulator/azure/key.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace rekeyd::sim::azure {

/// Input and result of a key operation; the binary members decoded.
struct KeyOperation {
  std::string value;
  std::string iv, tag, aad;
};

/// Wrap or encrypt (`protect`), unwrap or decrypt. Nothing when the algorithm does not fit the key or the
/// operation, or the value does not fit the algorithm. `wrapping`: wrapkey and unwrapkey know RSA and AES-KW,
/// encrypt and decrypt RSA, AES-GCM and AES-CBC. GCM protects under a fresh IV from `random`.
std::optional<KeyOperation> protect(KeyVersion const& version, std::string_view algorithm, bool wrapping,
                                    KeyOperation const& input, Randomness& random);
std::optional<KeyOperation> open(KeyVersion const& version, std::string_view algorithm, bool wrapping,
                                 KeyOperation const& input);

/// What rekeyd's clients use for such a key: "RSA-OAEP-256" or "A256KW"; empty when it cannot wrap.
std::string wrapping_algorithm(KeyShape const& shape);

}  // namespace rekeyd::sim::azure
