#pragma once
#include "policy/error.hpp"
#include "storage/store.hpp"

#include <filesystem>
#include <memory>
#include <string>

namespace rekeyd::storage {

/// Opens the database for reading beside a running daemon or without one; it never writes to it and never
/// makes the daemon wait. Whoever may read the file may do this: the side files of a stopped or killed daemon
/// are used as they are, and a lone copy of the file in a folder that may not be written is read without
/// them.
///
/// Errors (class storage): no such file, no permission, not ours, damaged, or another schema version than
/// this program's (code newer_version or older_version). `vfs` as in OpenOptions.
Result<std::unique_ptr<StoreReader>> open_read_only(std::filesystem::path const& path,
                                                    std::string const& vfs = {});

}  // namespace rekeyd::storage
