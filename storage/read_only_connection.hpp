#pragma once
#include "storage/connection.hpp"

#include <filesystem>
#include <memory>
#include <string>

namespace rekeyd::storage {

/// A connection that only reads, proved by a first read. Throws.
std::unique_ptr<Connection> connect_read_only(std::filesystem::path const& path, std::string const& vfs = {});

}  // namespace rekeyd::storage
