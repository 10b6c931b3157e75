#pragma once
#include "policy/error.hpp"
#include "providers/secret.hpp"

#include <filesystem>
#include <string>

namespace rekeyd::providers {

/// Reads a credential: a client secret, an API key. One newline at the end is taken off.
///
/// A permanent or access error that names the file and what to do if it is absent, not a regular file, empty,
/// larger than 16 KiB, holds NUL bytes or a line break, or may be read by group or others. Files inside
/// $CREDENTIALS_DIRECTORY are exempt from the last: systemd guards that folder.
Result<Secret> read_secret_file(std::filesystem::path const& path);

/// A credential that systemd handed over (LoadCredential=NAME:...): the file NAME in $CREDENTIALS_DIRECTORY.
Result<Secret> read_credential(std::string const& name);

}  // namespace rekeyd::providers
