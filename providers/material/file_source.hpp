#pragma once
#include "providers/material/material_source.hpp"

#include <filesystem>

namespace rekeyd::providers {

struct FileSourceOptions {
  MaterialSourceName name;
  std::filesystem::path folder;
  bool own_thread{true};  ///< Read and check elsewhere than on the loop. False in a simulation.
};

/// Material that a person puts into a file for each rotation: FOLDER/PROVIDER/VAULT/KEY, so that no file can
/// serve two keys. Either a symmetric key in base64 on one line, or an RSA private key as PEM without a
/// passphrase. The file is for its owner alone (mode 0600). It is read and never changed; whether it has been
/// renewed since the last rotation is for the caller to see by the fingerprint.
std::unique_ptr<MaterialSource> make_file_source(FileSourceOptions options);

}  // namespace rekeyd::providers
