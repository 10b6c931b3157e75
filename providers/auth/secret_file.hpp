#pragma once
#include "policy/error.hpp"
#include "providers/secret.hpp"

#include <filesystem>
#include <string>

namespace rekeyd::providers {

/// What a credential file may hold, and who else may read it.
enum class CredentialShape {
  line,   ///< One secret on one line: a client secret, an API key. One newline at the end is taken off.
  lines,  ///< Text of many lines: a PEM file with a key and certificates.
  /// A token that another program renews and may have to leave readable by others (Kubernetes mounts it with
  /// mode 0644, in a container of its own). Blanks and newlines around it are taken off.
  projected_token,
};

/// Reads a credential.
///
/// A permanent or access error that names the file and what to do if it is absent, not a regular file, empty,
/// larger than 16 KiB, holds NUL bytes or (but for `lines`) a line break, or (but for `projected_token`) may
/// be read by group or others. Files inside $CREDENTIALS_DIRECTORY are exempt from the last: systemd guards
/// that folder.
Result<Secret> read_secret_file(std::filesystem::path const& path,
                                CredentialShape shape = CredentialShape::line);

/// Where systemd put a credential that it handed over (LoadCredential=NAME:...): the file NAME in
/// $CREDENTIALS_DIRECTORY. Error if there is no such folder, or NAME is not a plain word.
Result<std::filesystem::path> credential_path(std::string const& name);

/// The secret in that file.
Result<Secret> read_credential(std::string const& name);

}  // namespace rekeyd::providers
