#pragma once
#include <cstddef>
#include <expected>
#include <filesystem>
#include <string>

namespace rekeyd::config {

/// No file of ours is near this; a larger one is a mistake (a dump, a disk image) and is refused before it is
/// read, let alone parsed.
inline constexpr std::size_t file_bytes_max = 1 << 20;

struct UnreadableFile {
  std::string rule;  ///< "unreadable" or "too-large".
  std::string message;
  std::string hint;
};

/// The whole of a regular file of at most file_bytes_max bytes. Never blocks: a pipe or a device under the
/// name is refused.
std::expected<std::string, UnreadableFile> read_file_text(std::filesystem::path const& file);

/// The same words for a text that came from elsewhere.
UnreadableFile too_large();

}  // namespace rekeyd::config
