#pragma once
#include <string>

namespace rekeyd::config {

/// Where a secret is to be had; never the secret itself.
struct SecretReference {
  enum class Kind {
    credential,  ///< A file in $CREDENTIALS_DIRECTORY (systemd LoadCredential=).
    file,        ///< An absolute path; must not be readable by group or others.
  };
  Kind kind{Kind::credential};
  std::string name;  ///< The credential's name or the file's path.
};

}  // namespace rekeyd::config
