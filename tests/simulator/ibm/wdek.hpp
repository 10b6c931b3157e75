#pragma once
#include "tests/simulator/ibm/key.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rekeyd::sim {
class Randomness;
}

/// A wrapped DEK as Key Protect writes it: base64 of
/// {"ciphertext":B64,"iv":B64,"version":"4.0.0","handle":KEY VERSION ID}, AES-GCM under that version.
namespace rekeyd::sim::ibm {

using Aad = std::vector<std::string>;

std::string wrap_dek(KeyVersion const& version, std::string_view dek, Aad const& aad, Randomness& random);

struct UnwrappedDek {
  KeyVersion const* version{};  ///< The version that had wrapped it.
  std::string dek;
};

/// Nothing when the text is not a WDEK of this key, was changed, or was made with other AAD.
std::optional<UnwrappedDek> unwrap_dek(Key const& key, std::string_view wdek, Aad const& aad);

}  // namespace rekeyd::sim::ibm
