#pragma once
#include "policy/error.hpp"
#include "providers/secret.hpp"

#include <filesystem>
#include <string_view>

namespace rekeyd::providers {

/// The content of the file that the Azure Arc agent names in its 401, "Basic realm=/var/opt/.../name.key":
/// the proof that we are a program of this machine that may read there. An access error, and nothing is read,
/// unless it lies directly in `key_folder` (no link leads out of it), is named *.key and holds 4096 bytes at
/// most: whoever answers in the agent's place must not get another file out of us.
Result<Secret> read_arc_key(std::string_view www_authenticate, std::filesystem::path const& key_folder);

}  // namespace rekeyd::providers
