#pragma once
#include "policy/error.hpp"
#include "providers/material/key_material.hpp"

#include <filesystem>
#include <string>

namespace rekeyd::providers {

/// A token behind a vendor's PKCS#11 module (v2.40). Its calls block, for as long as the module likes.
struct Pkcs11Token {
  std::filesystem::path module;  ///< Loaded once and kept until the process ends.
  std::string label;             ///< Of the token; no two that are present may share it.
};

/// Reads the one key object named `key_label` and of that algorithm. The token hands it out wrapped under an
/// AES key that was made for this one reading, so its material crosses the module in no clear form; the key
/// has to be extractable.
///
/// Each reading has a session of its own: one that was lost before harms none. Errors are those of
/// docs/imported-keys.md; a token that is out of order is transient. `pin` is tried at most once, and not at
/// all when the token says that the next wrong one locks it.
Result<KeyMaterialPtr> read_pkcs11_key(Pkcs11Token const& token, Secret const& pin, KeyAlgorithm algorithm,
                                       std::string const& key_label);

}  // namespace rekeyd::providers
